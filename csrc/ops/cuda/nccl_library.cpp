#include "ops/cuda/nccl_library.h"

#include <dlfcn.h>

#include <string>

#include "ops/tensor.h"

namespace vq::cuda {
namespace {

constexpr const char* kName = "libnccl.so.2";

NcclLibrary open() {
  void* file = dlopen(kName, RTLD_NOW | RTLD_LOCAL);
  if (!file) {
    const char* why = dlerror();
    throw Error(
        "NCCL is missing, with which GPUs of several processes exchange data: " + std::string(why ? why : kName) +
        "; install it (libnccl2, or pip's nvidia-nccl-cu13), or put " + kName + " where the loader looks");
  }
  NcclLibrary library{};
  const auto find = [&](auto& function, const char* symbol) {
    void* p = dlsym(file, symbol);
    if (!p) throw Error(std::string(kName) + " lacks " + symbol + ": it is older than NCCL 2.7");
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(p);
  };
  find(library.get_version, "ncclGetVersion");
  find(library.get_unique_id, "ncclGetUniqueId");
  find(library.comm_init_rank, "ncclCommInitRank");
  find(library.comm_destroy, "ncclCommDestroy");
  find(library.comm_abort, "ncclCommAbort");
  find(library.comm_get_async_error, "ncclCommGetAsyncError");
  find(library.get_error_string, "ncclGetErrorString");
  find(library.group_start, "ncclGroupStart");
  find(library.group_end, "ncclGroupEnd");
  find(library.send, "ncclSend");
  find(library.receive, "ncclRecv");
  return library;
}

}  // namespace

const NcclLibrary& NcclLibrary::load() {
  static const NcclLibrary the = open();
  return the;
}

void NcclLibrary::check(NcclResult result, const char* what) const {
  if (result != NcclResult::success) throw Error(std::string("NCCL: ") + what + ": " + get_error_string(result));
}

}  // namespace vq::cuda
