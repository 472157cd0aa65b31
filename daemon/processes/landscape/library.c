/* SPDX-License-Identifier: Apache-2.0 */
#include "landscape.h"

SIMLAB_LIBRARY("1.0", "evolution of topography on a raster by uplift, rivers and hillslopes",
               &RasterGrid, &Boundary, &Topography, &SurfaceToErode, &InitialElevation,
               &InitialNoise, &Uplift, &BaseLevel, &FlowRouter, &StreamPower, &HillslopeDiffusion)
