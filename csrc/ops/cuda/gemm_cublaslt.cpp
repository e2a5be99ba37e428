// cuBLASLt, loaded when a GPU is opened: on a machine without it, the program still starts and reports what is missing.
//
// cuBLASLt is column-major: it sees our row-major d[m, n] as the transpose d'[n, m] = op(b)' op(a)', so a and b are
// swapped. fp8 GEMMs use its one fp8 layout (its A transposed, its B not) on every GPU. If it supports row scales
// (Hopper, from 12.9 on), it applies them; otherwise fp8 has one scale per matrix, which is not used.
#include <cublasLt.h>
#include <dlfcn.h>

#include <bit>
#include <string>

#include "ops/cuda/gemm.h"
#include "ops/cuda/runtime.h"

namespace vq::cuda {
namespace {

// The first version with row scales.
#define VQ_SCALED_ROWS 120900

#define VQ_LT(name) decltype(&::name) name##_ = nullptr

// The library functions in use.
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
  VQ_LT(cublasLtMatmulAlgoCheck);
  VQ_LT(cublasLtGetStatusString);
  VQ_LT(cublasLtGetVersion);

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
    VQ_FIND(cublasLtMatmulAlgoCheck);
    VQ_FIND(cublasLtGetStatusString);
    VQ_FIND(cublasLtGetVersion);
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

// The largest power-of-two alignment of p, up to that of an allocation.
uint32_t alignment(const void* p) {
  constexpr uintptr_t kMost = 256;
  return uint32_t{1} << std::countr_zero(reinterpret_cast<uintptr_t>(p) | kMost);
}

class Prepared final : public PreparedGemm {
 public:
  Prepared(cublasLtHandle_t handle, void* workspace, const GemmCall& p)
      : lib_(library()), handle_(handle), workspace_(workspace), scaled_(p.codes && p.a_scales) {
    lib_.check(lib_.cublasLtMatmulDescCreate_(&operation_, CUBLAS_COMPUTE_32F, CUDA_R_32F), "cuBLASLt refused a GEMM");
    // Row-major is the transpose of column-major; a and b are swapped.
    set(CUBLASLT_MATMUL_DESC_TRANSA, p.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_TRANSB, p.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
    if (scaled_) scale_rows(p);
    if (p.codes) set(CUBLASLT_MATMUL_DESC_FAST_ACCUM, static_cast<int8_t>(p.fast_sums));
    layout(first_, p.b, p.codes);
    layout(second_, p.a, p.codes);
    layout(result_, p.d, false);
    layout(added_, p.c ? *p.c : p.d, false);
    prefer(p);
  }
  ~Prepared() override {
    if (preference_) lib_.cublasLtMatmulPreferenceDestroy_(preference_);
    for (cublasLtMatrixLayout_t l : {first_, second_, result_, added_}) {
      if (l) lib_.cublasLtMatrixLayoutDestroy_(l);
    }
    if (operation_) lib_.cublasLtMatmulDescDestroy_(operation_);
  }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  std::vector<Algorithm> algorithms(int most) const override {
    std::vector<cublasLtMatmulHeuristicResult_t> found(static_cast<size_t>(most));
    int count = 0;
    if (lib_.cublasLtMatmulAlgoGetHeuristic_(handle_, operation_, first_, second_, added_, result_, preference_, most,
                                             found.data(), &count) != CUBLAS_STATUS_SUCCESS) {
      return {};
    }
    std::vector<Algorithm> all;
    for (int i = 0; i < count; i++) {
      if (found[i].state == CUBLAS_STATUS_SUCCESS) all.push_back(std::bit_cast<Algorithm>(found[i].algo));
    }
    return all;
  }

  bool takes(const Algorithm& algorithm) const override {
    const cublasLtMatmulAlgo_t opaque = opaque_of(algorithm);
    cublasLtMatmulHeuristicResult_t result{};
    return lib_.cublasLtMatmulAlgoCheck_(handle_, operation_, first_, second_, added_, result_, &opaque, &result) ==
               CUBLAS_STATUS_SUCCESS &&
           result.workspaceSize <= kGemmWorkspace;
  }

  void run(const GemmCall& p, const Algorithm& algorithm, Stream stream) const override {
    if (scaled_) scale_rows(p);
    const cublasLtMatmulAlgo_t opaque = opaque_of(algorithm);
    const float beta = p.c ? 1 : 0;
    lib_.check(lib_.cublasLtMatmul_(handle_, operation_, &p.alpha, p.b.data, first_, p.a.data, second_, &beta,
                                    p.c ? p.c->data : p.d.data, added_, p.d.data, result_, &opaque, workspace_,
                                    kGemmWorkspace, stream),
               "cuBLASLt failed to run a GEMM");
  }

 private:
  static cublasLtMatmulAlgo_t opaque_of(const Algorithm& a) { return std::bit_cast<cublasLtMatmulAlgo_t>(a); }

  template <class Value>
  void set(cublasLtMatmulDescAttributes_t attribute, const Value& value) const {
    lib_.check(lib_.cublasLtMatmulDescSetAttribute_(operation_, attribute, &value, sizeof value),
               "cuBLASLt refused a GEMM");
  }
  void scale_rows(const GemmCall& p) const {
#if CUBLAS_VERSION >= VQ_SCALED_ROWS
    const int32_t mode = CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F;
    set(CUBLASLT_MATMUL_DESC_A_SCALE_MODE, mode);
    set(CUBLASLT_MATMUL_DESC_B_SCALE_MODE, mode);
    set(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, p.b_scales);
    set(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, p.a_scales);
#else
    static_cast<void>(p);
#endif
  }
  void layout(cublasLtMatrixLayout_t& to, const Tensor& t, bool codes) {
    lib_.check(lib_.cublasLtMatrixLayoutCreate_(&to, codes ? CUDA_R_8F_E4M3 : type_of(t.dtype),
                                                static_cast<uint64_t>(t.cols), static_cast<uint64_t>(t.rows), t.stride),
               "cuBLASLt refused a matrix");
  }
  void prefer(const GemmCall& p) {
    lib_.check(lib_.cublasLtMatmulPreferenceCreate_(&preference_), "cuBLASLt refused a GEMM");
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
      lib_.check(lib_.cublasLtMatmulPreferenceSetAttribute_(preference_, attribute, &value, sizeof value),
                 "cuBLASLt refused a GEMM");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kGemmWorkspace);
    // Parts of a sum may be added in f32 only, not in the type of the result, as the default allows.
    const uint32_t reductions = CUBLASLT_REDUCTION_SCHEME_NONE | CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, reductions);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(p.b.data));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(p.a.data));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(p.c ? p.c->data : p.d.data));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(p.d.data));
  }

  const Library& lib_;
  cublasLtHandle_t handle_;
  void* workspace_;
  bool scaled_;
  cublasLtMatmulDesc_t operation_ = nullptr;
  cublasLtMatrixLayout_t first_ = nullptr, second_ = nullptr, result_ = nullptr, added_ = nullptr;
  cublasLtMatmulPreference_t preference_ = nullptr;
};

class CublasLt final : public GemmLibrary {
 public:
  explicit CublasLt(const Gpu& gpu) : lib_(library()), gpu_(gpu), workspace_(device_alloc(kGemmWorkspace)) {
    lib_.check(lib_.cublasLtCreate_(&handle_), "cannot start cuBLASLt");
  }
  ~CublasLt() override {
    lib_.cublasLtDestroy_(handle_);
    device_free(workspace_);
  }

  std::string identity() const override {
    return "cuBLASLt " + std::to_string(lib_.cublasLtGetVersion_()) + ", driver " + std::to_string(gpu_.driver) + ", " +
           gpu_.name + " " + std::to_string(gpu_.major) + "." + std::to_string(gpu_.minor) + ", " +
           std::to_string(gpu_.multiprocessors) + " multiprocessors";
  }
  Fp8Gemms fp8_gemms() const override {
    if (gpu_.major * 10 + gpu_.minor < 89) return Fp8Gemms::none;
    const bool knows_rows = CUBLAS_VERSION >= VQ_SCALED_ROWS && lib_.cublasLtGetVersion_() >= VQ_SCALED_ROWS;
    return knows_rows ? Fp8Gemms::scaled : Fp8Gemms::unscaled;
  }
  std::unique_ptr<PreparedGemm> prepare(const GemmCall& p) override {
    return std::make_unique<Prepared>(handle_, workspace_, p);
  }

 private:
  const Library& lib_;
  Gpu gpu_;
  cublasLtHandle_t handle_ = nullptr;
  void* workspace_;
};

}  // namespace

std::unique_ptr<GemmLibrary> make_gemm_library(const Gpu& gpu) { return std::make_unique<CublasLt>(gpu); }

}  // namespace vq::cuda
