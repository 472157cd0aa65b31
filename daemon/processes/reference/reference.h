/* SPDX-License-Identifier: Apache-2.0 */
/* The types of the reference library: small models whose results are known (tests/golden). */
#ifndef REFERENCE_REFERENCE_H
#define REFERENCE_REFERENCE_H

#include <simlab/process.h>

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
