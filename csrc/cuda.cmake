# The CUDA device: kernels by nvcc, everything else by the host's compiler, linked into libvqcuda. The CUDA runtime is
# linked in; the driver and cuBLASLt are found when a GPU is opened.
get_filename_component(VQ_NVCC_REAL ${VQ_NVCC} REALPATH)
get_filename_component(VQ_NVCC_BIN ${VQ_NVCC_REAL} DIRECTORY)
get_filename_component(VQ_CUDA_ROOT ${VQ_NVCC_BIN} DIRECTORY)
set(VQ_CUDA_TARGET ${VQ_CUDA_ROOT}/targets/${CMAKE_SYSTEM_PROCESSOR}-linux)

# NAMES in this toolkit, or where the system keeps such files.
find_path(VQ_CUDA_INCLUDE cuda_runtime.h HINTS ${VQ_CUDA_ROOT}/include ${VQ_CUDA_TARGET}/include REQUIRED)
find_path(VQ_CUBLASLT_INCLUDE cublasLt.h HINTS ${VQ_CUDA_ROOT}/include ${VQ_CUDA_TARGET}/include REQUIRED)
find_library(VQ_CUDART libcudart_static.a HINTS ${VQ_CUDA_ROOT}/lib64 ${VQ_CUDA_ROOT}/lib ${VQ_CUDA_TARGET}/lib REQUIRED)
get_filename_component(VQ_CUDA_LIBRARIES ${VQ_CUDART} DIRECTORY)

# What this nvcc can compile for. Code for 8.0 goes in as PTX too: cards newer than all of these translate it.
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

set(VQ_NVCC_FLAGS -std=c++20 -O3 -lineinfo -Werror all-warnings -Xptxas -v -Xcompiler -Wall,-Wextra,-fPIC,-fno-math-errno
  -I${CMAKE_CURRENT_SOURCE_DIR} -I${VQ_CUDA_INCLUDE})
file(GLOB VQ_CUDA_HEADERS CONFIGURE_DEPENDS ops/cuda/*.h ops/ops.h)
file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/cuda)
foreach(source ${VQ_CUDA_KERNELS})
  get_filename_component(name ${source} NAME_WE)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/cuda/${name}.o)
  # Beside each object what ptxas says of its kernels: scripts/kernel-table reads it.
  add_custom_command(OUTPUT ${object}
    COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/compile_kernels.sh ${CMAKE_CURRENT_BINARY_DIR}/cuda/${name}.ptxas
      ${VQ_NVCC} ${VQ_NVCC_FLAGS} ${VQ_GENCODE} -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
    DEPENDS ${source} ${VQ_CUDA_HEADERS} compile_kernels.sh
    COMMENT "Building CUDA kernels of ${name}.cu" VERBATIM)
  list(APPEND VQ_CUDA_KERNEL_OBJECTS ${object})
endforeach()
set_source_files_properties(${VQ_CUDA_KERNEL_OBJECTS} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)

add_library(vq_cuda_host OBJECT ${VQ_CUDA_HOST} ops/cuda/gemm_cublaslt.cpp ops/cuda/runtime.cpp)
target_include_directories(vq_cuda_host PRIVATE . include)
target_include_directories(vq_cuda_host SYSTEM PRIVATE ${VQ_CUDA_INCLUDE} ${VQ_CUBLASLT_INCLUDE})
set(VQ_CUDA_OBJECTS $<TARGET_OBJECTS:vq_cuda_host> ${VQ_CUDA_KERNEL_OBJECTS})
set(VQ_CUDA_LINK ${VQ_CUDART} Threads::Threads ${CMAKE_DL_LIBS} rt)

add_library(vqcuda SHARED ${VQ_CUDA_OBJECTS})
target_link_libraries(vqcuda PRIVATE vqengine ${VQ_CUDA_LINK})  # of the engine, what quantises weights
target_link_options(vqcuda PRIVATE -Wl,--no-undefined)
# cuBLASLt may lie beside the library, or where it was built.
set_target_properties(vqcuda PROPERTIES BUILD_RPATH "$ORIGIN;${VQ_CUDA_LIBRARIES}" LINKER_LANGUAGE CXX)
