// An MPI library, loaded when it is needed. Nothing of MPI is needed to build the engine.
//
// MPI libraries differ in the values and types of their constants. Three kinds are known, and recognized by what they
// export: those of the standard ABI of MPI 5.0, MPICH and what is compatible with it (Intel MPI, MVAPICH, Cray MPICH),
// and Open MPI.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace vq {

class MpiLibrary {
 public:
  // A handle of any kind of library.
  union Request {
    int number;
    void* pointer;
  };

  // Throws Error if the file is not an MPI library of a known kind.
  static std::unique_ptr<MpiLibrary> load(const char* path);
  virtual ~MpiLibrary() = default;

  const std::string& version() const { return version_; }  // "Open MPI v4.1.4"
  virtual void init() = 0;                                 // joins the run; throws Error
  virtual int rank() = 0;
  virtual int world() = 0;
  // One thread at a time may call what follows. Throw Error.
  virtual void send(Request& request, const void* data, int bytes, int peer, int tag) = 0;
  virtual void receive(Request& request, void* data, int bytes, int peer, int tag) = 0;
  virtual bool done(Request& request) = 0;
  virtual void finalize() = 0;
  virtual void abort(int code) = 0;  // ends all processes of the run

 protected:
  std::string version_;
};

}  // namespace vq
