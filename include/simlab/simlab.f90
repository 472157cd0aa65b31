! SPDX-License-Identifier: Apache-2.0
! simlab.f90: what a process library in Fortran uses, as simlab/process.h is for C; that says what
! all of it means. A library is this file, simlab/fortran.c, and code that gives a subroutine
! simlab_declare, which tells the types:
!
!   subroutine simlab_declare() bind(c)
!     type(c_ptr) :: diffusion
!     call simlab_library("1.0", "diffusion along a line")
!     diffusion = simlab_new_type("Diffusion", "diffusion along the line, periodic")
!     u = simlab_variable(diffusion, "u", kind=SIMLAB_FOREIGN, of="reference.ProfileU")
!     call simlab_stage(diffusion, SIMLAB_RUN_STEP, run_step)
!   end subroutine
!
! where u is a variable of the module, and run_step a function of the interface simlab_function.
! Arrays are pointers into the model's memory, good until the function returns. Their elements lie
! as in C: of two dimensions (n0, n1) in the model's order, this has the shape (n1, n0).
module simlab
  use, intrinsic :: iso_c_binding
  implicit none
  public

  enum, bind(c) ! SIMLAB_F8 and its like: names of functions here
    enumerator :: SIMLAB_DTYPE_ANY = -1, SIMLAB_DTYPE_F8 = 0, SIMLAB_DTYPE_F4, SIMLAB_DTYPE_I1, &
      SIMLAB_DTYPE_I2, SIMLAB_DTYPE_I4, SIMLAB_DTYPE_I8, SIMLAB_DTYPE_U1, SIMLAB_DTYPE_U2, &
      SIMLAB_DTYPE_U4, SIMLAB_DTYPE_U8, SIMLAB_DTYPE_BOOL, SIMLAB_DTYPE_C8, SIMLAB_DTYPE_C16, &
      SIMLAB_DTYPE_STR
  end enum
  enum, bind(c) ! simlab_kind; SIMLAB_PLAIN is its SIMLAB_VARIABLE, whose name is a function's here
    enumerator :: SIMLAB_PLAIN = 0, SIMLAB_INDEX, SIMLAB_FOREIGN, SIMLAB_GLOBAL, SIMLAB_GROUP, &
      SIMLAB_GROUP_DICT, SIMLAB_ON_DEMAND, SIMLAB_OBJECT, SIMLAB_INHERITED
  end enum
  enum, bind(c)
    enumerator :: SIMLAB_IN = 0, SIMLAB_OUT, SIMLAB_INOUT
  end enum
  enum, bind(c)
    enumerator :: SIMLAB_INITIALIZE = 0, SIMLAB_RUN_STEP, SIMLAB_FINALIZE_STEP, SIMLAB_FINALIZE
  end enum
  enum, bind(c) ! what a function returns
    enumerator :: SIMLAB_ERROR = -1397312768, SIMLAB_NONE = 0, SIMLAB_SKIP = 1397312769, &
      SIMLAB_CONTINUE, SIMLAB_BREAK
  end enum
  enum, bind(c) ! flags of a variable, and of a type
    enumerator :: SIMLAB_STATIC = 1, SIMLAB_CACHED = 2, SIMLAB_PRIVATE = 4
  end enum
  enum, bind(c)
    enumerator :: SIMLAB_NOT_THREAD_SAFE = 1, SIMLAB_PINNED = 2
  end enum
  integer(c_int64_t), parameter :: SIMLAB_NEXT = -1

  type, bind(c) :: simlab_runtime
    integer(c_int64_t) :: step, nsteps
    real(c_double) :: step_start, step_end, step_delta, sim_start, sim_end
    integer(c_int64_t) :: batch, batch_size
    type(c_ptr) :: main_clock
    integer(c_int64_t) :: main_clock_size
    integer(c_int32_t) :: stage, reserved
  end type

  abstract interface
    integer(c_int) function simlab_function(c) bind(c)
      import :: c_int, c_ptr
      type(c_ptr), value :: c
    end function
    integer(c_int) function simlab_about(c, var) bind(c)
      import :: c_int, c_int32_t, c_ptr
      type(c_ptr), value :: c
      integer(c_int32_t), value :: var
    end function
    integer(c_int) function simlab_block(c, first, last, userdata) bind(c)
      import :: c_int, c_int64_t, c_ptr
      type(c_ptr), value :: c
      integer(c_int64_t), value :: first, last ! iterations first ... last - 1
      type(c_ptr), value :: userdata
    end function
  end interface

  interface ! fortran.c
    subroutine fortran_library(version, description) bind(c, name="simlab_fortran_library")
      import :: c_char
      character(kind=c_char), intent(in) :: version(*), description(*)
    end subroutine
    type(c_ptr) function fortran_type(name, description, extends, flags, instance_size) &
        bind(c, name="simlab_fortran_type")
      import :: c_char, c_int32_t, c_ptr, c_size_t
      character(kind=c_char), intent(in) :: name(*), description(*), extends(*)
      integer(c_int32_t), value :: flags
      integer(c_size_t), value :: instance_size
    end function
    subroutine fortran_stage(type, stage, fn) bind(c, name="simlab_fortran_stage")
      import :: c_funptr, c_int32_t, c_ptr
      type(c_ptr), value :: type
      integer(c_int32_t), value :: stage
      type(c_funptr), value :: fn
    end subroutine
    integer(c_int32_t) function fortran_variable(type, numbers, name) &
        bind(c, name="simlab_fortran_variable")
      import :: c_char, c_int32_t, c_ptr
      type(c_ptr), value :: type
      integer(c_int32_t), intent(in) :: numbers(7)
      character(kind=c_char), intent(in) :: name(*)
    end function
    subroutine fortran_text(type, row, which, text) bind(c, name="simlab_fortran_text")
      import :: c_char, c_int32_t, c_ptr
      type(c_ptr), value :: type
      integer(c_int32_t), value :: row, which
      character(kind=c_char), intent(in) :: text(*)
    end subroutine
    subroutine fortran_function(type, row, which, fn) bind(c, name="simlab_fortran_function")
      import :: c_funptr, c_int32_t, c_ptr
      type(c_ptr), value :: type
      integer(c_int32_t), value :: row, which
      type(c_funptr), value :: fn
    end subroutine
    type(c_ptr) function fortran_read(c, var, dtype, size) bind(c, name="simlab_fortran_read")
      import :: c_int32_t, c_int64_t, c_ptr
      type(c_ptr), value :: c
      integer(c_int32_t), value :: var, dtype
      integer(c_int64_t), intent(out) :: size
    end function
    type(c_ptr) function fortran_write(c, var, dtype, size) bind(c, name="simlab_fortran_write")
      import :: c_int32_t, c_int64_t, c_ptr
      type(c_ptr), value :: c
      integer(c_int32_t), value :: var, dtype
      integer(c_int64_t), intent(out) :: size
    end function
    type(c_ptr) function fortran_create(c, var, dtype, ndim, shape) &
        bind(c, name="simlab_fortran_create")
      import :: c_int32_t, c_int64_t, c_ptr
      type(c_ptr), value :: c
      integer(c_int32_t), value :: var, dtype, ndim
      integer(c_int64_t), intent(in) :: shape(*)
    end function
    type(c_ptr) function fortran_now(c) bind(c, name="simlab_fortran_now")
      import :: c_ptr
      type(c_ptr), value :: c
    end function
    integer(c_int) function fortran_fail(c, why) bind(c, name="simlab_fortran_fail")
      import :: c_char, c_int, c_ptr
      type(c_ptr), value :: c
      character(kind=c_char), intent(in) :: why(*)
    end function
    subroutine fortran_log(c, line) bind(c, name="simlab_fortran_log")
      import :: c_char, c_ptr
      type(c_ptr), value :: c
      character(kind=c_char), intent(in) :: line(*)
    end subroutine
    subroutine fortran_random(c, index, values, n) bind(c, name="simlab_fortran_random")
      import :: c_double, c_int64_t, c_ptr
      type(c_ptr), value :: c
      integer(c_int64_t), value :: index, n
      real(c_double), intent(out) :: values(*)
    end subroutine
    integer(c_int) function fortran_parallel_for(c, n, grain, fn, userdata) &
        bind(c, name="simlab_fortran_parallel_for")
      import :: c_funptr, c_int, c_int64_t, c_ptr
      type(c_ptr), value :: c
      integer(c_int64_t), value :: n, grain
      type(c_funptr), value :: fn
      type(c_ptr), value :: userdata
    end function

    ! The extent of a variable's dimension, 0 ... in the model's order; 1 where it has it not.
    integer(c_int64_t) function simlab_shape(c, var, dim) bind(c, name="simlab_fortran_shape")
      import :: c_int32_t, c_int64_t, c_ptr
      type(c_ptr), value :: c
      integer(c_int32_t), value :: var, dim
    end function
    ! The instance's private state, for c_f_pointer.
    type(c_ptr) function simlab_self(c) bind(c, name="simlab_fortran_self")
      import :: c_ptr
      type(c_ptr), value :: c
    end function
  end interface

  private :: ended, add_text ! fortran_...: of this module, too

contains

  ! ---- types ----

  function ended(text)
    character(*), intent(in) :: text
    character(kind=c_char, len=len_trim(text) + 1) :: ended
    ended = trim(text)//c_null_char
  end function

  subroutine simlab_library(version, description)
    character(*), intent(in) :: version, description
    call fortran_library(ended(version), ended(description))
  end subroutine

  type(c_ptr) function simlab_new_type(name, description, extends, flags, instance_size)
    character(*), intent(in) :: name, description
    character(*), intent(in), optional :: extends
    integer, intent(in), optional :: flags
    integer(c_size_t), intent(in), optional :: instance_size
    integer(c_int32_t) :: given_flags
    integer(c_size_t) :: given_size
    given_flags = 0
    given_size = 0
    if (present(flags)) given_flags = int(flags, c_int32_t)
    if (present(instance_size)) given_size = instance_size
    if (present(extends)) then
      simlab_new_type = fortran_type(ended(name), ended(description), ended(extends), given_flags, &
        given_size)
    else
      simlab_new_type = fortran_type(ended(name), ended(description), ended(""), given_flags, &
        given_size)
    end if
  end function

  subroutine simlab_stage(type, stage, fn)
    type(c_ptr), intent(in) :: type
    integer, intent(in) :: stage
    procedure(simlab_function) :: fn
    call fortran_stage(type, int(stage, c_int32_t), c_funloc(fn))
  end subroutine

  subroutine add_text(type, row, which, text)
    type(c_ptr), intent(in) :: type
    integer(c_int32_t), intent(in) :: row
    integer, intent(in) :: which
    character(*), intent(in), optional :: text
    if (present(text)) call fortran_text(type, row, int(which, c_int32_t), ended(text))
  end subroutine

  ! Its row, by which it is read and written. reads, writes: sums of 2**SIMLAB_RUN_STEP and its like.
  integer(c_int32_t) function simlab_variable(type, name, kind, intent, dtype, length, flags, reads, &
      writes, dims, of, var, global_name, groups, group, default, bounds, choices, description, &
      units, attrs, encoding, compute, validate, convert) result(row)
    type(c_ptr), intent(in) :: type
    character(*), intent(in) :: name
    integer, intent(in), optional :: kind, intent, dtype, length, flags, reads, writes
    character(*), intent(in), optional :: dims, of, var, global_name, groups, group, default, &
      bounds, choices, description, units, attrs, encoding
    procedure(simlab_about), optional :: compute, validate, convert
    integer(c_int32_t) :: numbers(7)
    numbers = 0
    if (present(kind)) numbers(1) = int(kind, c_int32_t)
    if (present(intent)) numbers(2) = int(intent, c_int32_t)
    if (present(dtype)) numbers(3) = int(dtype, c_int32_t)
    if (present(length)) numbers(4) = int(length, c_int32_t)
    if (present(flags)) numbers(5) = int(flags, c_int32_t)
    if (present(reads)) numbers(6) = int(reads, c_int32_t)
    if (present(writes)) numbers(7) = int(writes, c_int32_t)
    row = fortran_variable(type, numbers, ended(name))
    call add_text(type, row, 0, dims)
    call add_text(type, row, 1, of)
    call add_text(type, row, 2, var)
    call add_text(type, row, 3, global_name)
    call add_text(type, row, 4, groups)
    call add_text(type, row, 5, group)
    call add_text(type, row, 6, default)
    call add_text(type, row, 7, bounds)
    call add_text(type, row, 8, choices)
    call add_text(type, row, 9, description)
    call add_text(type, row, 10, units)
    call add_text(type, row, 11, attrs)
    call add_text(type, row, 12, encoding)
    if (present(compute)) call fortran_function(type, row, 0_c_int32_t, c_funloc(compute))
    if (present(validate)) call fortran_function(type, row, 1_c_int32_t, c_funloc(validate))
    if (present(convert)) call fortran_function(type, row, 2_c_int32_t, c_funloc(convert))
  end function

  ! ---- values: all elements of one, to read or to change; a new shape; a scalar ----

  function simlab_f8(c, var) result(values)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    real(c_double), pointer :: values(:)
    integer(c_int64_t) :: n
    type(c_ptr) :: data
    data = fortran_read(c, var, SIMLAB_DTYPE_F8, n)
    call c_f_pointer(data, values, [n])
  end function

  function simlab_f8_mut(c, var) result(values)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    real(c_double), pointer :: values(:)
    integer(c_int64_t) :: n
    type(c_ptr) :: data
    data = fortran_write(c, var, SIMLAB_DTYPE_F8, n)
    call c_f_pointer(data, values, [n])
  end function

  function simlab_f8_1d(c, var, n) result(values)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    integer(c_int64_t), intent(in) :: n
    real(c_double), pointer :: values(:)
    call c_f_pointer(fortran_create(c, var, SIMLAB_DTYPE_F8, 1_c_int32_t, [n]), values, [n])
  end function

  function simlab_f8_2d(c, var, n0, n1) result(values)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    integer(c_int64_t), intent(in) :: n0, n1
    real(c_double), pointer :: values(:, :)
    call c_f_pointer(fortran_create(c, var, SIMLAB_DTYPE_F8, 2_c_int32_t, [n0, n1]), values, [n1, n0])
  end function

  real(c_double) function simlab_f8_get(c, var)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    real(c_double), pointer :: values(:)
    values => simlab_f8(c, var)
    simlab_f8_get = values(1)
  end function

  subroutine simlab_f8_put(c, var, value)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    real(c_double), intent(in) :: value
    real(c_double), pointer :: place
    call c_f_pointer(fortran_create(c, var, SIMLAB_DTYPE_F8, 0_c_int32_t, [0_c_int64_t]), place)
    place = value
  end subroutine

  function simlab_f4(c, var) result(values)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    real(c_float), pointer :: values(:)
    integer(c_int64_t) :: n
    type(c_ptr) :: data
    data = fortran_read(c, var, SIMLAB_DTYPE_F4, n)
    call c_f_pointer(data, values, [n])
  end function

  function simlab_f4_mut(c, var) result(values)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    real(c_float), pointer :: values(:)
    integer(c_int64_t) :: n
    type(c_ptr) :: data
    data = fortran_write(c, var, SIMLAB_DTYPE_F4, n)
    call c_f_pointer(data, values, [n])
  end function

  function simlab_f4_1d(c, var, n) result(values)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    integer(c_int64_t), intent(in) :: n
    real(c_float), pointer :: values(:)
    call c_f_pointer(fortran_create(c, var, SIMLAB_DTYPE_F4, 1_c_int32_t, [n]), values, [n])
  end function

  function simlab_f4_2d(c, var, n0, n1) result(values)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    integer(c_int64_t), intent(in) :: n0, n1
    real(c_float), pointer :: values(:, :)
    call c_f_pointer(fortran_create(c, var, SIMLAB_DTYPE_F4, 2_c_int32_t, [n0, n1]), values, [n1, n0])
  end function

  real(c_float) function simlab_f4_get(c, var)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    real(c_float), pointer :: values(:)
    values => simlab_f4(c, var)
    simlab_f4_get = values(1)
  end function

  subroutine simlab_f4_put(c, var, value)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    real(c_float), intent(in) :: value
    real(c_float), pointer :: place
    call c_f_pointer(fortran_create(c, var, SIMLAB_DTYPE_F4, 0_c_int32_t, [0_c_int64_t]), place)
    place = value
  end subroutine

  function simlab_i4(c, var) result(values)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    integer(c_int32_t), pointer :: values(:)
    integer(c_int64_t) :: n
    type(c_ptr) :: data
    data = fortran_read(c, var, SIMLAB_DTYPE_I4, n)
    call c_f_pointer(data, values, [n])
  end function

  function simlab_i4_mut(c, var) result(values)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    integer(c_int32_t), pointer :: values(:)
    integer(c_int64_t) :: n
    type(c_ptr) :: data
    data = fortran_write(c, var, SIMLAB_DTYPE_I4, n)
    call c_f_pointer(data, values, [n])
  end function

  function simlab_i4_1d(c, var, n) result(values)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    integer(c_int64_t), intent(in) :: n
    integer(c_int32_t), pointer :: values(:)
    call c_f_pointer(fortran_create(c, var, SIMLAB_DTYPE_I4, 1_c_int32_t, [n]), values, [n])
  end function

  function simlab_i4_2d(c, var, n0, n1) result(values)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    integer(c_int64_t), intent(in) :: n0, n1
    integer(c_int32_t), pointer :: values(:, :)
    call c_f_pointer(fortran_create(c, var, SIMLAB_DTYPE_I4, 2_c_int32_t, [n0, n1]), values, [n1, n0])
  end function

  integer(c_int32_t) function simlab_i4_get(c, var)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    integer(c_int32_t), pointer :: values(:)
    values => simlab_i4(c, var)
    simlab_i4_get = values(1)
  end function

  subroutine simlab_i4_put(c, var, value)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    integer(c_int32_t), intent(in) :: value
    integer(c_int32_t), pointer :: place
    call c_f_pointer(fortran_create(c, var, SIMLAB_DTYPE_I4, 0_c_int32_t, [0_c_int64_t]), place)
    place = value
  end subroutine

  function simlab_i8(c, var) result(values)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    integer(c_int64_t), pointer :: values(:)
    integer(c_int64_t) :: n
    type(c_ptr) :: data
    data = fortran_read(c, var, SIMLAB_DTYPE_I8, n)
    call c_f_pointer(data, values, [n])
  end function

  function simlab_i8_mut(c, var) result(values)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    integer(c_int64_t), pointer :: values(:)
    integer(c_int64_t) :: n
    type(c_ptr) :: data
    data = fortran_write(c, var, SIMLAB_DTYPE_I8, n)
    call c_f_pointer(data, values, [n])
  end function

  function simlab_i8_1d(c, var, n) result(values)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    integer(c_int64_t), intent(in) :: n
    integer(c_int64_t), pointer :: values(:)
    call c_f_pointer(fortran_create(c, var, SIMLAB_DTYPE_I8, 1_c_int32_t, [n]), values, [n])
  end function

  function simlab_i8_2d(c, var, n0, n1) result(values)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    integer(c_int64_t), intent(in) :: n0, n1
    integer(c_int64_t), pointer :: values(:, :)
    call c_f_pointer(fortran_create(c, var, SIMLAB_DTYPE_I8, 2_c_int32_t, [n0, n1]), values, [n1, n0])
  end function

  integer(c_int64_t) function simlab_i8_get(c, var)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    integer(c_int64_t), pointer :: values(:)
    values => simlab_i8(c, var)
    simlab_i8_get = values(1)
  end function

  subroutine simlab_i8_put(c, var, value)
    type(c_ptr), intent(in) :: c
    integer(c_int32_t), intent(in) :: var
    integer(c_int64_t), intent(in) :: value
    integer(c_int64_t), pointer :: place
    call c_f_pointer(fortran_create(c, var, SIMLAB_DTYPE_I8, 0_c_int32_t, [0_c_int64_t]), place)
    place = value
  end subroutine

  ! ---- the run ----

  type(simlab_runtime) function simlab_now(c)
    type(c_ptr), intent(in) :: c
    type(simlab_runtime), pointer :: now
    call c_f_pointer(fortran_now(c), now)
    simlab_now = now
  end function

  ! run_step = simlab_fail(c, "why"): the stage has failed.
  integer(c_int) function simlab_fail(c, why)
    type(c_ptr), intent(in) :: c
    character(*), intent(in) :: why
    simlab_fail = fortran_fail(c, ended(why))
  end function

  subroutine simlab_log(c, line)
    type(c_ptr), intent(in) :: c
    character(*), intent(in) :: line
    call fortran_log(c, ended(line))
  end subroutine

  ! Uniform in [0, 1): at index, index + 1 ..., or (SIMLAB_NEXT) the next of the sequence.
  subroutine simlab_random(c, index, values)
    type(c_ptr), intent(in) :: c
    integer(c_int64_t), intent(in) :: index
    real(c_double), intent(out), contiguous :: values(:)
    call fortran_random(c, index, values, size(values, kind=c_int64_t))
  end subroutine

  integer(c_int) function simlab_parallel_for(c, n, grain, fn, userdata)
    type(c_ptr), intent(in) :: c
    integer(c_int64_t), intent(in) :: n, grain
    procedure(simlab_block) :: fn
    type(c_ptr), intent(in) :: userdata
    simlab_parallel_for = fortran_parallel_for(c, n, grain, c_funloc(fn), userdata)
  end function
end module
