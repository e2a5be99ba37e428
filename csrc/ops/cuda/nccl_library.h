// The functions of libnccl.so.2 in use, as nccl.h declares them; that header is not needed to build. Its binary
// interface is the same for all versions 2.x.
#pragma once

#include <cstddef>

#include "ops/cuda/stream.h"

struct ncclComm;

namespace vq::cuda {

struct NcclId {
  char bytes[128];
};

// ncclResult_t and ncclDataType_t.
enum class NcclResult : int { success = 0, in_progress = 7 };
enum class NcclType : int { bytes = 0 };

struct NcclLibrary {
  NcclResult (*get_version)(int* version);
  NcclResult (*get_unique_id)(NcclId* id);
  NcclResult (*comm_init_rank)(ncclComm** comm, int world, NcclId id, int rank);
  NcclResult (*comm_destroy)(ncclComm* comm);
  NcclResult (*comm_abort)(ncclComm* comm);
  NcclResult (*comm_get_async_error)(ncclComm* comm, NcclResult* error);
  const char* (*get_error_string)(NcclResult result);
  NcclResult (*group_start)();
  NcclResult (*group_end)();
  NcclResult (*send)(const void* data, size_t count, NcclType type, int peer, ncclComm* comm, Stream stream);
  NcclResult (*receive)(void* data, size_t count, NcclType type, int peer, ncclComm* comm, Stream stream);

  // Throws Error with what is missing. The library stays loaded.
  static const NcclLibrary& load();
  void check(NcclResult result, const char* what) const;
};

}  // namespace vq::cuda
