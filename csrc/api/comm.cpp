// vq_comm_*.
#include <cstdio>

#include "api/handles.h"
#include "ops/mpi_comm.h"

using namespace vq;

int vq_comm_open_mpi(const char* library, double patience, vq_comm** out, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(library, out);
    require(patience > 0, "the patience with other processes must be positive");
    *out = new vq_comm{std::make_unique<MpiComm>(MpiLibrary::load(library), patience)};
  });
}

void vq_comm_close(vq_comm* c) { delete c; }

void vq_comm_describe(const vq_comm* c, vq_comm_info* out) {
  *out = {c->comm->rank(), c->comm->world(), {}};
  std::snprintf(out->library, sizeof(out->library), "%s", c->comm->library().c_str());
}

int vq_comm_all_gather(vq_comm* c, const void* mine, size_t bytes, void* all, vq_error* err) {
  return guarded(err, [&] {
    require_pointers(c, mine, all);
    all_gather(*c->comm, mine, bytes, all);
  });
}

void vq_comm_fail(vq_comm* c, const char* why) { c->comm->fail(why); }

double vq_comm_waited(const vq_comm* c, int32_t rank) { return c->comm->waited(rank); }
