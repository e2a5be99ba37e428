// cuBLASLt, found when a card is opened: a machine without it can still say what is missing.
//
// cuBLASLt is column-major: it sees our row-major d[m, n] as the transpose d'[n, m] = op(b)' op(a)', so a and b change
// places. Which of its kernels to use is asked once for each shape. The first of its own choice is taken, never the
// fastest of a trial: a trial could end differently in the next run, and sums with it.
#include <cublasLt.h>
#include <dlfcn.h>

#include <array>
#include <map>
#include <string>

#include "ops/cuda/gemm.h"
#include "ops/cuda/runtime.h"

namespace vq::cuda {
namespace {

constexpr size_t kWorkspace = size_t{32} << 20;  // what the library recommends for large cards

#define VQ_LT(name) decltype(&::name) name##_ = nullptr

// The functions of the library that are used.
struct Library {
  VQ_LT(cublasLtCreate);
  VQ_LT(cublasLtDestroy);
  VQ_LT(cublasLtMatmul);
  VQ_LT(cublasLtMatmulDescCreate);
  VQ_LT(cublasLtMatmulDescDestroy);
  VQ_LT(cublasLtMatmulDescSetAttribute);
  VQ_LT(cublasLtMatrixLayoutCreate);
  VQ_LT(cublasLtMatrixLayoutDestroy);
  VQ_LT(cublasLtMatmulPreferenceCreate);
  VQ_LT(cublasLtMatmulPreferenceDestroy);
  VQ_LT(cublasLtMatmulPreferenceSetAttribute);
  VQ_LT(cublasLtMatmulAlgoGetHeuristic);
  VQ_LT(cublasLtGetStatusString);

  Library() {
    const std::string name = "libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR);
    void* lib = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!lib) {
      const char* why = dlerror();
      throw Error("cuBLASLt is missing: " + std::string(why ? why : name) + "; install the CUDA " +
                  std::to_string(CUBLAS_VER_MAJOR) + " libraries, or put " + name + " where the loader looks");
    }
    const auto find = [&](auto& function, const char* symbol) {
      void* p = dlsym(lib, symbol);
      if (!p) throw Error(name + " lacks " + symbol + ": it is another version than this build needs");
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(p);
    };
#define VQ_FIND(symbol) find(symbol##_, #symbol)
    VQ_FIND(cublasLtCreate);
    VQ_FIND(cublasLtDestroy);
    VQ_FIND(cublasLtMatmul);
    VQ_FIND(cublasLtMatmulDescCreate);
    VQ_FIND(cublasLtMatmulDescDestroy);
    VQ_FIND(cublasLtMatmulDescSetAttribute);
    VQ_FIND(cublasLtMatrixLayoutCreate);
    VQ_FIND(cublasLtMatrixLayoutDestroy);
    VQ_FIND(cublasLtMatmulPreferenceCreate);
    VQ_FIND(cublasLtMatmulPreferenceDestroy);
    VQ_FIND(cublasLtMatmulPreferenceSetAttribute);
    VQ_FIND(cublasLtMatmulAlgoGetHeuristic);
    VQ_FIND(cublasLtGetStatusString);
  }

  void check(cublasStatus_t status, const char* what) const {
    if (status != CUBLAS_STATUS_SUCCESS) throw Error(std::string(what) + ": " + cublasLtGetStatusString_(status));
  }
};

const Library& library() {
  static const Library the;
  return the;
}

cudaDataType_t type_of(DType t) { return t == DType::f32 ? CUDA_R_32F : CUDA_R_16BF; }

// The largest power of two up to 16 bytes to which p is aligned.
uint32_t alignment(const void* p) {
  uint32_t a = 16;
  while (reinterpret_cast<uintptr_t>(p) % a != 0) a /= 2;
  return a;
}

// One shape of product, with the kernel for it.
class Plan {
 public:
  Plan(cublasLtHandle_t handle, const Product& p) : lib_(library()) {
    const cublasOperation_t plain = CUBLAS_OP_N, turned = CUBLAS_OP_T;
    lib_.check(lib_.cublasLtMatmulDescCreate_(&operation_, CUBLAS_COMPUTE_32F, CUDA_R_32F), "a product was refused");
    // Row-major is the transpose of column-major; a and b change places.
    set(CUBLASLT_MATMUL_DESC_TRANSA, p.transpose_b ? turned : plain);
    set(CUBLASLT_MATMUL_DESC_TRANSB, p.transpose_a ? turned : plain);
    layout(first_, p.b);
    layout(second_, p.a);
    layout(result_, p.d);
    layout(added_, p.c ? *p.c : p.d);
    choose(handle, p);
  }
  ~Plan() {
    for (cublasLtMatrixLayout_t l : {first_, second_, result_, added_}) lib_.cublasLtMatrixLayoutDestroy_(l);
    lib_.cublasLtMatmulDescDestroy_(operation_);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  void run(cublasLtHandle_t handle, const Product& p, void* workspace, Stream stream) const {
    const float beta = p.c ? 1 : 0;
    lib_.check(lib_.cublasLtMatmul_(handle, operation_, &p.alpha, p.b.data, first_, p.a.data, second_, &beta,
                                    p.c ? p.c->data : p.d.data, added_, p.d.data, result_, &algorithm_, workspace,
                                    kWorkspace, stream),
               "a product failed");
  }

 private:
  void set(cublasLtMatmulDescAttributes_t attribute, cublasOperation_t value) {
    lib_.check(lib_.cublasLtMatmulDescSetAttribute_(operation_, attribute, &value, sizeof value),
               "a product was refused");
  }
  void layout(cublasLtMatrixLayout_t& to, const Tensor& t) {
    lib_.check(lib_.cublasLtMatrixLayoutCreate_(&to, type_of(t.dtype), static_cast<uint64_t>(t.cols),
                                                static_cast<uint64_t>(t.rows), t.stride),
               "a matrix was refused");
  }
  void choose(cublasLtHandle_t handle, const Product& p) {
    cublasLtMatmulPreference_t wish = nullptr;
    lib_.check(lib_.cublasLtMatmulPreferenceCreate_(&wish), "a product was refused");
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
      lib_.check(lib_.cublasLtMatmulPreferenceSetAttribute_(wish, attribute, &value, sizeof value),
                 "a product was refused");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspace);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(p.b.data));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(p.a.data));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(p.c ? p.c->data : p.d.data));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(p.d.data));
    cublasLtMatmulHeuristicResult_t best{};
    int found = 0;
    const cublasStatus_t status = lib_.cublasLtMatmulAlgoGetHeuristic_(handle, operation_, first_, second_, added_,
                                                                       result_, wish, 1, &best, &found);
    lib_.cublasLtMatmulPreferenceDestroy_(wish);
    lib_.check(status, "cuBLASLt has no kernel for a product");
    if (found == 0) throw Error("cuBLASLt has no kernel for a product");
    algorithm_ = best.algo;
  }

  const Library& lib_;
  cublasLtMatmulDesc_t operation_ = nullptr;
  cublasLtMatrixLayout_t first_ = nullptr, second_ = nullptr, result_ = nullptr, added_ = nullptr;
  cublasLtMatmulAlgo_t algorithm_{};
};

class CublasLt final : public Gemm {
 public:
  CublasLt() : lib_(library()), workspace_(device_alloc(kWorkspace)) {
    lib_.check(lib_.cublasLtCreate_(&handle_), "cuBLASLt could not be started");
  }
  ~CublasLt() override {
    plans_.clear();
    lib_.cublasLtDestroy_(handle_);
    device_free(workspace_);
  }

  size_t workspace_bytes() const override { return kWorkspace; }

  void multiply(const Product& p, Stream stream) override {
    if (p.d.rows == 0 || p.d.cols == 0) return;
    const Key key = key_of(p);
    auto found = plans_.find(key);
    if (found == plans_.end()) {
      if (plans_.size() >= kMostPlans) plans_.clear();
      found = plans_.emplace(key, std::make_unique<Plan>(handle_, p)).first;
    }
    found->second->run(handle_, p, workspace_, stream);
  }

 private:
  // Batches of every length make plans of their own; in the end all are made.
  static constexpr size_t kMostPlans = 1 << 16;
  using Key = std::array<int64_t, 12>;

  static Key key_of(const Product& p) {
    const Tensor& c = p.c ? *p.c : p.d;
    const int64_t flags = p.transpose_a | p.transpose_b << 1 | (p.a.dtype == DType::bf16) << 2 |
                          (p.d.dtype == DType::bf16) << 3 | (p.c != nullptr) << 4 | (c.data == p.d.data) << 5;
    return {flags,
            p.d.rows,
            p.d.cols,
            p.transpose_a ? p.a.rows : p.a.cols,
            p.a.stride,
            p.b.stride,
            p.d.stride,
            c.stride,
            alignment(p.a.data),
            alignment(p.b.data),
            alignment(p.d.data),
            alignment(c.data)};
  }

  const Library& lib_;
  cublasLtHandle_t handle_ = nullptr;
  void* workspace_;
  std::map<Key, std::unique_ptr<Plan>> plans_;
};

}  // namespace

std::unique_ptr<Gemm> make_gemm() { return std::make_unique<CublasLt>(); }

}  // namespace vq::cuda
