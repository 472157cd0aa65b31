/* SPDX-License-Identifier: Apache-2.0 */
/* The types of the landscape library: evolution of topography on a raster, by uplift, rivers and
 * hillslopes. Lengths are in metres, times in years. What a process does to the surface in a step
 * is a thickness in metres per cell, positive upwards in group `upward`, downwards in group
 * `erosions`; `incision` holds those erosions that come before the hillslopes'.
 *
 * One step: Uplift, BaseLevel → SurfaceToErode (elevation + upward) → FlowRouter → StreamPower →
 * HillslopeDiffusion (on the incised surface) → Topography (elevation + upward - erosions, in
 * finalize_step). The model computes this order from the variables. */
#ifndef LANDSCAPE_LANDSCAPE_H
#define LANDSCAPE_LANDSCAPE_H

#include <simlab/process.h>

/* grid.c */
extern const struct simlab_process RasterGrid, Boundary;
/* topography.c */
extern const struct simlab_process Topography, SurfaceToErode;
/* initial.c */
extern const struct simlab_process InitialElevation, InitialNoise;
/* uplift.c */
extern const struct simlab_process Uplift, BaseLevel;
/* flow_router.c */
extern const struct simlab_process FlowRouter;
/* stream_power.c */
extern const struct simlab_process StreamPower;
/* diffusion.c */
extern const struct simlab_process HillslopeDiffusion;

#endif
