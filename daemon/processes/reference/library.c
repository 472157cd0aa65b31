/* SPDX-License-Identifier: Apache-2.0 */
#include "reference.h"

SIMLAB_LIBRARY("1.0", "small models whose results are known", &UniformGrid1D, &FixedGrid1D,
               &GridParams, &ProfileU, &InitUGauss, &InitUFlat, &InitURamp, &AdvectionLax,
               &SourcePoint, &Decay, &ProfileStats, &ClimateForcing, &Melt, &Logistic, &StopAbove,
               &AfterStop, &Particles, &Dtypes, &RuntimeInfo, &UniformGrid2D, &GameOfLife,
               &InitGlider, &Substance, &InitSquare, &DiffuseU, &DiffuseV, &React, &CycleA, &CycleB)
