#include "ops/mpi_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>
#include <utility>

#include "ops/tensor.h"

namespace vq {

namespace {

// The constants of one kind of library: of the headers mpi_abi.h (MPI 5.0), mpi.h of MPICH 5.0, and mpi.h of Open MPI
// 4.1, where handles are addresses of exported objects.
template <class Handle>
struct Constants {
  Handle world, byte, errors_return;
  void* status_ignore;
  int thread_serialized;
};

void* must_find(void* library, const char* path, const char* symbol) {
  void* p = dlsym(library, symbol);
  if (!p) throw Error(std::string(path) + " is not an MPI library: it has no " + symbol);
  return p;
}

template <class Handle>
class Library final : public MpiLibrary {
 public:
  Library(void* library, const char* path, const Constants<Handle>& constants, std::string version)
      : constants_(constants) {
    version_ = std::move(version);
    const auto find = [&](auto& function, const char* symbol) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(must_find(library, path, symbol));
    };
    find(init_, "MPI_Init_thread");
    find(comm_rank_, "MPI_Comm_rank");
    find(comm_size_, "MPI_Comm_size");
    find(set_errhandler_, "MPI_Comm_set_errhandler");
    find(isend_, "MPI_Isend");
    find(irecv_, "MPI_Irecv");
    find(test_, "MPI_Test");
    find(finalize_, "MPI_Finalize");
    find(abort_, "MPI_Abort");
  }

  void init() override {
    int provided = 0;
    check(init_(nullptr, nullptr, constants_.thread_serialized, &provided), "MPI_Init_thread");
    if (provided < constants_.thread_serialized) {
      throw Error(version_ + " cannot be used by several threads: it was built without MPI_THREAD_SERIALIZED");
    }
    check(set_errhandler_(constants_.world, constants_.errors_return), "MPI_Comm_set_errhandler");
  }
  int rank() override { return ask(comm_rank_, "MPI_Comm_rank"); }
  int world() override { return ask(comm_size_, "MPI_Comm_size"); }
  void send(Request& request, const void* data, int bytes, int peer, int tag) override {
    check(isend_(data, bytes, constants_.byte, peer, tag, constants_.world, handle(request)), "MPI_Isend");
  }
  void receive(Request& request, void* data, int bytes, int peer, int tag) override {
    check(irecv_(data, bytes, constants_.byte, peer, tag, constants_.world, handle(request)), "MPI_Irecv");
  }
  bool done(Request& request) override {
    int flag = 0;
    check(test_(handle(request), &flag, constants_.status_ignore), "MPI_Test");
    return flag != 0;
  }
  void finalize() override { check(finalize_(), "MPI_Finalize"); }
  void abort(int code) override { abort_(constants_.world, code); }

 private:
  static Handle* handle(Request& request) {
    if constexpr (std::is_same_v<Handle, int>) {
      return &request.number;
    } else {
      return &request.pointer;
    }
  }
  int ask(int (*question)(Handle, int*), const char* name) {
    int answer = 0;
    check(question(constants_.world, &answer), name);
    return answer;
  }
  void check(int code, const char* call) const {
    if (code != 0) throw Error(version_ + ": " + call + " failed with code " + std::to_string(code));
  }

  Constants<Handle> constants_;
  int (*init_)(int*, char***, int, int*) = nullptr;
  int (*comm_rank_)(Handle, int*) = nullptr;
  int (*comm_size_)(Handle, int*) = nullptr;
  int (*set_errhandler_)(Handle, Handle) = nullptr;
  int (*isend_)(const void*, int, Handle, int, int, Handle, Handle*) = nullptr;
  int (*irecv_)(void*, int, Handle, int, int, Handle, Handle*) = nullptr;
  int (*test_)(Handle*, int*, void*) = nullptr;
  int (*finalize_)() = nullptr;
  int (*abort_)(Handle, int) = nullptr;
};

// The first line of the library's own description, in a few words.
std::string version_of(void* library, const char* path) {
  std::array<char, 8192 + 1> text{};  // MPI_MAX_LIBRARY_VERSION_STRING is at most 8192
  int length = 0;
  const auto get = reinterpret_cast<int (*)(char*, int*)>(must_find(library, path, "MPI_Get_library_version"));
  if (get(text.data(), &length) != 0) throw Error(std::string(path) + " does not say which MPI library it is");
  std::string line(text.data(), std::strcspn(text.data(), "\n,"));
  for (char& c : line) {
    if (c == '\t') c = ' ';
  }
  line.erase(std::unique(line.begin(), line.end(), [](char a, char b) { return a == ' ' && b == ' '; }), line.end());
  return line;
}

// Whether the library has the standard ABI of MPI 5.0, whose library is libmpi_abi on every system. MPICH's library of
// its own ABI says that it has version -1.
bool has_standard_abi(void* library, const char* path) {
  if (std::strstr(path, "libmpi_abi")) return true;
  if (dlsym(library, "ompi_mpi_comm_world")) return false;
  const auto get = reinterpret_cast<int (*)(int*, int*)>(dlsym(library, "MPI_Abi_get_version"));
  int major = -1, minor = -1;
  return get && get(&major, &minor) == 0 && major >= 1;
}

void* number(uintptr_t value) { return reinterpret_cast<void*>(value); }

}  // namespace

std::unique_ptr<MpiLibrary> MpiLibrary::load(const char* path) {
  // Global: the parts that Open MPI loads later refer to its symbols.
  void* library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  if (!library) {
    const char* why = dlerror();
    throw Error(why ? why : path);
  }
  std::string version = version_of(library, path);
  if (has_standard_abi(library, path)) {
    return std::make_unique<Library<void*>>(
        library, path, Constants<void*>{number(0x101), number(0x247), number(0x143), nullptr, 2048}, version);
  }
  if (void* world = dlsym(library, "ompi_mpi_comm_world")) {
    return std::make_unique<Library<void*>>(
        library, path,
        Constants<void*>{world, must_find(library, path, "ompi_mpi_byte"),
                         must_find(library, path, "ompi_mpi_errors_return"), nullptr, 2},
        version);
  }
  for (const char* compatible : {"MPICH", "Intel", "MVAPICH", "CRAY"}) {
    if (version.find(compatible) == std::string::npos) continue;
    return std::make_unique<Library<int>>(library, path,
                                          Constants<int>{0x44000000, 0x4c00010d, 0x54000001, number(1), 2}, version);
  }
  throw Error(std::string(path) + " is an MPI library of an unknown kind (" + version +
              "): use one with the standard ABI of MPI 5.0, MPICH or Open MPI");
}

}  // namespace vq
