! SPDX-License-Identifier: Apache-2.0
! The process of include/simlab/README.md in Fortran.
module line
  use simlab
  implicit none
  integer(c_int32_t) :: diffusivity, spacing, u, u_diffused

contains

  integer(c_int) function run_step(c) bind(c)
    type(c_ptr), value :: c
    real(c_double), pointer :: values(:), d(:), diffused(:)
    type(simlab_runtime) :: now
    real(c_double) :: h
    integer(c_int64_t) :: i, n, left, right
    values => simlab_f8(c, u)
    d => simlab_f8(c, diffusivity)
    n = size(values, kind=c_int64_t)
    diffused => simlab_f8_1d(c, u_diffused, n)
    h = simlab_f8_get(c, spacing)
    now = simlab_now(c)
    do i = 1, n
      left = merge(n, i - 1, i == 1)
      right = merge(1_c_int64_t, i + 1, i == n)
      diffused(i) = d(merge(i, 1_c_int64_t, size(d) > 1))*now%step_delta/(h*h) &
        *(values(left) - 2*values(i) + values(right))
    end do
    if (now%step == 0) call simlab_log(c, "diffuses")
    run_step = SIMLAB_NONE
    if (any(diffused > 1e10_c_double)) run_step = simlab_fail(c, "it does not converge")
  end function
end module

subroutine simlab_declare() bind(c)
  use line
  implicit none
  type(c_ptr) :: diffusion
  call simlab_library("1.0", "diffusion along a line")
  diffusion = simlab_new_type("Diffusion", "diffusion along the line, periodic")
  diffusivity = simlab_variable(diffusion, "diffusivity", dims="()|x", default="0.1", &
    bounds="[0, inf)", description="diffusivity of u", units="m2/s")
  spacing = simlab_variable(diffusion, "spacing", kind=SIMLAB_FOREIGN, of="reference.UniformGrid1D")
  u = simlab_variable(diffusion, "u", kind=SIMLAB_FOREIGN, of="reference.ProfileU")
  u_diffused = simlab_variable(diffusion, "u_diffused", intent=SIMLAB_OUT, dims="x", &
    groups="u_vars")
  call simlab_stage(diffusion, SIMLAB_RUN_STEP, run_step)
end subroutine
