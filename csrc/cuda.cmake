# The CUDA device: kernels by nvcc, everything else by the host's compiler, linked into libvqcuda. The CUDA runtime is
# linked in; the driver and cuBLASLt are found when a GPU is opened.
get_filename_component(VQ_NVCC_REAL ${VQ_NVCC} REALPATH)
get_filename_component(VQ_NVCC_BIN ${VQ_NVCC_REAL} DIRECTORY)
get_filename_component(VQ_CUDA_ROOT ${VQ_NVCC_BIN} DIRECTORY)
set(VQ_CUDA_TARGET ${VQ_CUDA_ROOT}/targets/${CMAKE_SYSTEM_PROCESSOR}-linux)

# Headers and libraries are in this toolkit or in system folders. If the toolkit has no cuBLASLt, those of the wheels that
# PyTorch installs are used.
execute_process(COMMAND python3 -c "import sysconfig; print(sysconfig.get_path('purelib'))"
  OUTPUT_VARIABLE VQ_PYTHON_PACKAGES OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
execute_process(COMMAND ${VQ_NVCC} --version OUTPUT_VARIABLE VQ_NVCC_VERSION)
string(REGEX REPLACE ".*release ([0-9]+).*" "\\1" VQ_CUDA_MAJOR "${VQ_NVCC_VERSION}")
set(VQ_WHEELS ${VQ_PYTHON_PACKAGES}/nvidia/cu${VQ_CUDA_MAJOR})
if(VQ_CUDA_MAJOR EQUAL 12)  # one folder per library
  list(APPEND VQ_WHEELS ${VQ_PYTHON_PACKAGES}/nvidia/cublas ${VQ_PYTHON_PACKAGES}/nvidia/cuda_runtime)
endif()
list(TRANSFORM VQ_WHEELS APPEND /include OUTPUT_VARIABLE VQ_WHEEL_INCLUDES)
list(TRANSFORM VQ_WHEELS APPEND /lib OUTPUT_VARIABLE VQ_WHEEL_LIBRARIES)
set(VQ_INCLUDES ${VQ_CUDA_ROOT}/include ${VQ_CUDA_TARGET}/include ${VQ_WHEEL_INCLUDES})
set(VQ_LIBRARIES ${VQ_CUDA_ROOT}/lib64 ${VQ_CUDA_ROOT}/lib ${VQ_CUDA_TARGET}/lib ${VQ_WHEEL_LIBRARIES})
find_path(VQ_CUDA_INCLUDE cuda_runtime.h HINTS ${VQ_INCLUDES} REQUIRED)
find_path(VQ_CUBLASLT_INCLUDE cublasLt.h HINTS ${VQ_INCLUDES} REQUIRED)
find_library(VQ_CUDART libcudart_static.a HINTS ${VQ_LIBRARIES} REQUIRED)
# Loaded when a GPU is opened: its present folder goes into the library's search path.
find_file(VQ_CUBLASLT libcublasLt.so.${VQ_CUDA_MAJOR} HINTS ${VQ_LIBRARIES})
set(VQ_CUDA_RPATH $ORIGIN)
foreach(file ${VQ_CUBLASLT} ${VQ_CUDART})
  if(EXISTS ${file})
    get_filename_component(folder ${file} DIRECTORY)
    list(APPEND VQ_CUDA_RPATH ${folder})
  endif()
endforeach()
list(REMOVE_DUPLICATES VQ_CUDA_RPATH)

# The architectures that this nvcc supports. Code for 8.0 is included as PTX too: newer GPUs translate it.
execute_process(COMMAND ${VQ_NVCC} --list-gpu-code OUTPUT_VARIABLE VQ_KNOWN RESULT_VARIABLE VQ_NVCC_FAILED)
if(VQ_NVCC_FAILED)
  message(FATAL_ERROR "${VQ_NVCC} does not run")
endif()
set(VQ_GENCODE -gencode arch=compute_80,code=compute_80)
foreach(a ${VQ_CUDA_ARCHITECTURES})
  string(REGEX REPLACE "a$" "" plain ${a})
  if(VQ_KNOWN MATCHES "sm_${plain}[^0-9]")
    list(APPEND VQ_GENCODE -gencode arch=compute_${a},code=sm_${a})
  else()
    message(STATUS "${VQ_NVCC} knows no sm_${a}: left out")
  endif()
endforeach()

# A newer compiler, or a header that deprecates something, must not break a user's build.
set(VQ_WERROR)
if(VQ_WARNINGS_AS_ERRORS)
  set(VQ_WERROR -Werror all-warnings)
endif()
string(REGEX REPLACE ".*release ([0-9]+\\.[0-9]+).*" "\\1" VQ_CUDA_RELEASE "${VQ_NVCC_VERSION}")
if(VQ_CUDA_RELEASE VERSION_LESS 13.3)
  message(STATUS "CUDA ${VQ_CUDA_RELEASE}: before 13.3, ptxas may reuse registers that a wgmma still reads; check the kernels with scripts/kernel-table --strict")
endif()
set(VQ_NVCC_FLAGS -std=c++20 -O3 -lineinfo ${VQ_WERROR} -Xptxas -v -Xcompiler -Wall,-Wextra,-fPIC,-fno-math-errno,-fstack-protector-strong
  -I${CMAKE_CURRENT_SOURCE_DIR} -I${VQ_CUDA_INCLUDE})
file(GLOB VQ_CUDA_HEADERS CONFIGURE_DEPENDS ops/cuda/*.h ops/cuda/attention/*.h ops/*.h)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/cuda)
foreach(source ${VQ_CUDA_KERNELS})
  get_filename_component(name ${source} NAME_WE)
  set(object ${CMAKE_BINARY_DIR}/cuda/${name}.o)
  # Kernels with wgmma are for 9.0 alone, whatever else is compiled for: other GPUs never run them.
  set(gencode ${VQ_GENCODE})
  if(name MATCHES "hopper")
    set(gencode -gencode arch=compute_90a,code=sm_90a)
  endif()
  # The output of ptxas goes next to each object: scripts/kernel-table reads it.
  add_custom_command(OUTPUT ${object}
    COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/compile_kernels.sh ${CMAKE_BINARY_DIR}/cuda/${name}.ptxas
      ${VQ_NVCC} ${VQ_NVCC_FLAGS} ${gencode} -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
    DEPENDS ${source} ${VQ_CUDA_HEADERS} compile_kernels.sh
    COMMENT "Building CUDA kernels of ${name}.cu" VERBATIM)
  list(APPEND VQ_CUDA_KERNEL_OBJECTS ${object})
endforeach()
set_source_files_properties(${VQ_CUDA_KERNEL_OBJECTS} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)

add_library(vq_cuda_host OBJECT ${VQ_CUDA_HOST} ops/cuda/gemm_cublaslt.cpp ops/cuda/timer.cpp)
target_include_directories(vq_cuda_host PRIVATE . include)
target_include_directories(vq_cuda_host SYSTEM PRIVATE ${VQ_CUDA_INCLUDE} ${VQ_CUBLASLT_INCLUDE})
set(VQ_CUDA_OBJECTS $<TARGET_OBJECTS:vq_cuda_host> ${VQ_CUDA_KERNEL_OBJECTS})
set(VQ_CUDA_LINK ${VQ_CUDART} Threads::Threads ${CMAKE_DL_LIBS} rt)

add_library(vqcuda SHARED ${VQ_CUDA_OBJECTS} ${VQ_CUDA_PLAN_SOURCES})
target_include_directories(vqcuda PRIVATE .)
target_link_libraries(vqcuda PRIVATE vqops ${VQ_CUDA_LINK})
target_link_options(vqcuda PRIVATE -Wl,--no-undefined -Wl,-z,relro,-z,now,-z,noexecstack)
# cuBLASLt may be in the folder of the library, or where it was at build time.
set_target_properties(vqcuda PROPERTIES BUILD_RPATH "${VQ_CUDA_RPATH}" LINKER_LANGUAGE CXX)
