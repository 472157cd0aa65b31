/* SPDX-License-Identifier: Apache-2.0 */
/* The types of the reference library: small models whose results are known (tests/golden). */
#ifndef REFERENCE_REFERENCE_H
#define REFERENCE_REFERENCE_H

#include <simlab/process.h>

/* A function for each width of vectors that a processor may have: which one runs is settled when
 * the library is loaded. They give the same bits: no element's arithmetic differs. */
#if defined __x86_64__ && defined __GLIBC__ && !defined __clang__ &&                               \
    !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

/* grid1d.c */
extern const struct simlab_process UniformGrid1D, FixedGrid1D, GridParams;
/* profile.c */
extern const struct simlab_process ProfileU, InitUGauss, InitUFlat, InitURamp;
/* advection.c */
extern const struct simlab_process AdvectionLax, SourcePoint, Decay;
/* statistics.c */
extern const struct simlab_process ProfileStats;
/* climate.c */
extern const struct simlab_process ClimateForcing, Melt;
/* population.c */
extern const struct simlab_process Logistic, StopAbove, AfterStop;
/* values.c */
extern const struct simlab_process Particles, Dtypes, RuntimeInfo;
/* grid2d.c */
extern const struct simlab_process UniformGrid2D;
/* life.c */
extern const struct simlab_process GameOfLife, InitGlider;
/* gray_scott.c */
extern const struct simlab_process Substance, InitSquare, DiffuseU, DiffuseV, React;
/* cycle.c */
extern const struct simlab_process CycleA, CycleB;

#endif
