/* The border between Go and the engine: the only header that Go sees.
 *
 * Handles are opaque; every call that can fail returns 0 or a nonzero code and puts a sentence without a full stop into
 * the caller's vq_error. After a failure a handle is as it was before the call, unless said otherwise. One thread at a
 * time may use a device and what was made on it. Lengths and indices are checked; pointers must be valid.
 * Handles are closed in the reverse order of their making; closing NULL does nothing.
 *
 * The engine knows no files, formats or text: tokens are ids, tensors are raw arrays.
 */
#ifndef VQ_H
#define VQ_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { VQ_OK = 0, VQ_FAILED = 1, VQ_NO_MEMORY = 2, VQ_BAD_ARGUMENT = 3 };

typedef struct {
  char text[512];
} vq_error;

typedef struct vq_device vq_device;
typedef struct vq_model vq_model;
typedef struct vq_adapter vq_adapter;
typedef struct vq_trainer vq_trainer;
typedef struct vq_session vq_session;

/* Device. ---------------------------------------------------------------------------------------------------------- */

typedef struct {
  char name[128];          /* processor or card */
  char instructions[32];   /* of the products: "amx", "avx512-bf16", "avx512", "avx2", "generic", or "sm_86"; "sm_90,
                              wgmma" where attention has wgmma, "sm_90, wgmma wrong in dq 128" where it gave another dq
                              than attention without for heads of 128, and is not used */
  int32_t threads;         /* of a GPU: multiprocessors */
  int32_t fast_bf16;       /* 1 when bf16 products are faster than f32 ones: what precision "auto" means */
  int32_t discrete_memory; /* 1: memory is the device's own, beside the host's (a GPU) */
  char gemm_library[160]; /* library and card that vq_device_read_gemm_choices is for; empty where there is no choice */
  uint64_t memory_total;  /* bytes */
  uint64_t memory_available;
} vq_device_info;

int vq_device_open_cpu(int32_t threads /* 0: all */, vq_device** out, vq_error* err);
/* Opens a GPU, counted from 0. library: path of libvqcuda.so, which is loaded and stays loaded. The message says what
 * is missing: library, driver, version, capability. A later failure of the GPU itself (a fault in mid-step, say) fails
 * every call from then on; close all and start anew. */
int vq_device_open(const char* library, int32_t index, vq_device** out, vq_error* err);
void vq_device_close(vq_device*);
void vq_device_describe(const vq_device*, vq_device_info* out);

/* Which of a library's algorithms multiplies each shape: sums, and so results, depend on it. Found by
 * vq_trainer_tune_gemms, kept by the caller, and given to the device of another run, which then computes the same.
 * read: at most `capacity` of them into bytes, which may be NULL when that is 0; size: how many there are. write:
 * fails, and changes nothing, when the bytes are not whole or are of another library, driver or card. */
int vq_device_read_gemm_choices(const vq_device*, void* bytes, size_t capacity, size_t* size, vq_error*);
int vq_device_write_gemm_choices(vq_device*, const void* bytes, size_t size, vq_error*);

/* GFLOP/s of the device's own product of [m, k] by [k, n], over operands that were written, best of a few runs. */
int vq_device_measure_gemm(vq_device*, int32_t precision, int64_t m, int64_t n, int64_t k, double* gflops, vq_error*);
/* Bytes per second of reading memory with all threads. */
int vq_device_measure_bandwidth(vq_device*, double* bytes_per_second, vq_error*);

/* Model. ----------------------------------------------------------------------------------------------------------- */

enum { VQ_F32 = 0, VQ_BF16 = 1, VQ_F16 = 2 };

/* How the weights of the projections (q to down) are kept; embedding, output and norms are not quantized. The formats
 * are bitsandbytes' (LLM.int8's storage by rows; NF4 with double quantization) and fp8 e4m3 scaled by rows. With
 * VQ_WEIGHTS_FP8_GEMM the weights are those of VQ_WEIGHTS_FP8, and what they are multiplied by is rounded to e4m3
 * too, by rows: products for the fp8 tensor cores of a GPU. The adapter's products are not. */
enum { VQ_WEIGHTS_PLAIN = 0, VQ_WEIGHTS_INT8 = 1, VQ_WEIGHTS_NF4 = 2, VQ_WEIGHTS_FP8 = 3, VQ_WEIGHTS_FP8_GEMM = 4 };

typedef struct {
  int32_t layers, hidden, ffn, heads, kv_heads, head_dim, vocab;
  int32_t tied; /* 1: the output projection is the embedding */
  float norm_eps;
  double rope_theta;
  int32_t weights; /* VQ_WEIGHTS_* */
} vq_model_config;

typedef enum {
  VQ_EMBEDDING,      /* [vocab, hidden]; layer ignored, as for the next two */
  VQ_FINAL_NORM,     /* [hidden] */
  VQ_OUTPUT,         /* [vocab, hidden]; untied models only */
  VQ_ATTENTION_NORM, /* [hidden] input_layernorm */
  VQ_MLP_NORM,       /* [hidden] post_attention_layernorm */
  VQ_QUERY_NORM,     /* [head_dim] */
  VQ_KEY_NORM,       /* [head_dim] */
  VQ_Q,              /* [heads * head_dim, hidden] */
  VQ_K,              /* [kv_heads * head_dim, hidden] */
  VQ_V,
  VQ_O,    /* [hidden, heads * head_dim] */
  VQ_GATE, /* [ffn, hidden] */
  VQ_UP,
  VQ_DOWN /* [hidden, ffn] */
} vq_tensor_kind;

/* precision: VQ_F32 or VQ_BF16, the type of activations and of the operands of products. */
int vq_model_create(vq_device*, const vq_model_config*, int32_t precision, vq_model** out, vq_error*);
void vq_model_close(vq_model*);
/* Gives one tensor, row-major. The data are borrowed: they must stay in place (mapped is best) until vq_model_close. */
int vq_model_set_tensor(vq_model*, vq_tensor_kind, int32_t layer, const void* data, int32_t dtype, int64_t rows,
                        int64_t cols, vq_error*);
/* Checks that nothing is missing and prepares the weights, quantizing them if the configuration says so; not twice in
 * memory. for_training: also for the backward pass. After a failure the model can only be closed. */
int vq_model_finish(vq_model*, int32_t for_training, vq_error*);

/* Adapter (LoRA). -------------------------------------------------------------------------------------------------- */

enum {
  VQ_TARGET_Q = 1,
  VQ_TARGET_K = 2,
  VQ_TARGET_V = 4,
  VQ_TARGET_O = 8,
  VQ_TARGET_GATE = 16,
  VQ_TARGET_UP = 32,
  VQ_TARGET_DOWN = 64
};

typedef struct {
  int32_t rank;
  float scale; /* alpha / r, or alpha / sqrt(r) */
  float
      dropout; /* of the adapter's input, in training only; one mask an input: q, k, v share theirs, gate and up too */
  uint32_t targets; /* VQ_TARGET_* */
} vq_adapter_config;

/* y = W x + scale * B A dropout(x). A [rank, in], B [out, rank], fp32, zero until written. */
int vq_adapter_create(vq_model*, const vq_adapter_config*, vq_adapter** out, vq_error*);
void vq_adapter_close(vq_adapter*);
/* target: one VQ_TARGET_* bit. */
int vq_adapter_write(vq_adapter*, int32_t layer, uint32_t target, const float* a, const float* b, vq_error*);
int vq_adapter_read(vq_adapter*, int32_t layer, uint32_t target, float* a, float* b, vq_error*);

/* Memory plan. ------------------------------------------------------------------------------------------------------
 */

typedef struct {
  int64_t max_tokens;  /* rows of the largest micro-batch */
  int64_t max_windows; /* of a micro-batch */
  int64_t max_targets; /* target rows of a micro-batch */
  /* Of so many layers, from the first on, only the input is kept and the rest computed again in the backward pass, to
   * the same bytes; more than there are: of all. The last two are kept in any case. */
  int32_t recompute_layers;
  int32_t offload_optimizer; /* keep the optimizer's moments in page-locked memory of the host */
} vq_train_limits;

typedef struct {
  uint64_t weights_mapped;   /* the caller's tensors, used where they are */
  uint64_t weights_prepared; /* copies in the layout of the products */
  uint64_t adapter;          /* parameters */
  uint64_t gradients;
  uint64_t optimizer;
  uint64_t activations; /* of training, or the key/value cache of a session */
  uint64_t workspace;
  uint64_t total;
  uint64_t device_scratch; /* of workspace: what the device's ops need beside the buffers */
  uint64_t host;           /* of the rows: page-locked memory of the host. Part of total where memory is the host's */
} vq_memory_plan;

/* What training needs; takes no memory. dtype: of the files' tensors. adapter may be NULL (evaluation of the base). */
int vq_plan_training(const vq_device*, const vq_model_config*, int32_t dtype, int32_t precision,
                     const vq_adapter_config* adapter, const vq_train_limits*, vq_memory_plan* out, vq_error*);
/* What a session needs: capacity tokens in all, sequences decoded at once. */
int vq_plan_session(const vq_device*, const vq_model_config*, int32_t dtype, int32_t precision,
                    const vq_adapter_config* adapter, int64_t capacity, int32_t max_sequences, vq_memory_plan* out,
                    vq_error*);

/* Training and evaluation. ------------------------------------------------------------------------------------------
 */

/* A micro-batch in memory that the engine owns; two of them, so that one is filled while the other runs. */
typedef struct {
  int32_t* ids;          /* [max_tokens] windows end to end */
  int32_t* window_begin; /* [max_windows + 1] first row of each window, then the number of rows */
  int32_t* target_row;   /* [max_targets] ascending: the row whose output predicts target_id (the token before it) */
  int32_t* target_id;    /* [max_targets] */
  float* target_weight;  /* [max_targets] of the target's loss and gradient, usually 1 */
} vq_batch;

/* adapter NULL: evaluation of the base alone. for_training 0: no gradients, no optimizer, no saved activations. */
int vq_trainer_create(vq_model*, vq_adapter* adapter, const vq_train_limits*, int32_t for_training, vq_trainer** out,
                      vq_error*);
void vq_trainer_close(vq_trainer*);
int vq_trainer_batch(vq_trainer*, int32_t slot /* 0 or 1 */, vq_batch* out, vq_error*);

/* Forward and backward of the micro-batch in slot; adds to the gradients and to the step's loss. Returns at once: the
 * slot may be filled again after vq_trainer_wait. dropout_seed selects the masks: give each micro-batch its own. */
int vq_trainer_accumulate(vq_trainer*, int32_t slot, int32_t windows, int32_t targets, uint64_t dropout_seed,
                          vq_error*);
/* Waits until the slot's batch has run; reports what went wrong in it. The step is lost then: the update reports the
 * same, changes nothing and starts a new one. */
int vq_trainer_wait(vq_trainer*, int32_t slot, vq_error*);

typedef struct {
  float learning_rate, beta1, beta2, epsilon, weight_decay;
  float max_grad_norm; /* clip to min(1, max / (norm + 1e-6)); 0: never */
  double normalizer;   /* gradients are divided by it: the target tokens of the step */
  int64_t step;        /* from 1: AdamW's bias correction */
} vq_update;

typedef struct {
  double loss_sum;  /* weighted, over the step's targets, before division */
  double grad_norm; /* of the normalized gradient, before clipping */
} vq_update_result;

/* After the batches accumulated so far: normalizes, clips, updates, and zeroes gradients and loss. Returns at once; one
 * update at a time may be under way, and batches of the next step may be accumulated behind it. */
int vq_trainer_begin_update(vq_trainer*, const vq_update*, vq_error*);
/* Waits for the update and says what it saw. When loss or norm is not finite nothing was updated, the result is filled
 * and VQ_FAILED is returned; as after any failure the adapter is as it was before the step, and batches accumulated
 * since are dropped. */
int vq_trainer_end_update(vq_trainer*, vq_update_result* out, vq_error*);
/* Both. */
int vq_trainer_update(vq_trainer*, const vq_update*, vq_update_result* out, vq_error*);

/* Chooses what vq_device_read_gemm_choices gives, by timing the algorithms for the products of steps of all lengths
 * that have no choice yet. Overwrites the batches, and drops what was accumulated; trains nothing. */
int vq_trainer_tune_gemms(vq_trainer*, vq_error*);

/* Loss of each target of the batch in slot (natural log, unweighted), without dropout; waits. */
int vq_trainer_evaluate(vq_trainer*, int32_t slot, int32_t windows, int32_t targets, float* loss, vq_error*);

/* Optimizer moments, shaped like A and B. */
int vq_trainer_read_moments(vq_trainer*, int32_t layer, uint32_t target, float* a_m, float* a_v, float* b_m, float* b_v,
                            vq_error*);
int vq_trainer_write_moments(vq_trainer*, int32_t layer, uint32_t target, const float* a_m, const float* a_v,
                             const float* b_m, const float* b_v, vq_error*);
/* The gradients accumulated so far (sums, before normalization). */
int vq_trainer_read_gradients(vq_trainer*, int32_t layer, uint32_t target, float* a, float* b, vq_error*);

/* Floating-point operations of one micro-batch (multiply and add count 2), forward and backward, as the engine does
 * them: base products, LoRA, causal attention, output on target rows. window_tokens: [windows]. */
double vq_training_flops(const vq_model_config*, const vq_adapter_config*, const int64_t* window_tokens,
                         const int64_t* window_targets, int64_t windows);

/* Inference. --------------------------------------------------------------------------------------------------------
 */

/* A key/value cache of `capacity` tokens in all, shared by up to max_sequences sequences, all empty at first. The
 * session takes the adapter as it is now: what is written to it later does not reach the session. */
int vq_session_create(vq_model*, vq_adapter* /* or NULL */, int64_t capacity, int32_t max_sequences, vq_session** out,
                      vq_error*);
void vq_session_close(vq_session*);
/* Appends n >= 1 tokens to a sequence. logits: [vocab] after the last of them, or NULL. */
int vq_session_prefill(vq_session*, int32_t sequence, const int32_t* ids, int64_t n, float* logits, vq_error*);
/* The same; the logits after the last token stay on the device, as one row, until the next call of prefill, decode or
 * score. */
int vq_session_prefill_kept(vq_session*, int32_t sequence, const int32_t* ids, int64_t n, vq_error*);
/* Appends one token to each of n different sequences. logits: [n, vocab], or NULL: they stay on the device, as n rows.
 */
int vq_session_decode(vq_session*, const int32_t* sequences, const int32_t* ids, int32_t n, float* logits, vq_error*);
/* Rows [first, first + count) of what stayed there. */
int vq_session_logits(vq_session*, int32_t first, int32_t count, float* logits, vq_error*);

typedef struct {
  int32_t id;
  float logit;
} vq_candidate;
enum { VQ_MOST_CHOSEN = 1024 };

/* Of the first n rows of what stayed there, the tokens that may be drawn: those allowed, at least as likely as the
 * likeliest of them plus below[i] <= 0. allowed: bit i % 32 of word i / 32 for id i, [n, (vocab + 31) / 32], or NULL:
 * all. out: [n, VQ_MOST_CHOSEN + 1], first how many there are (as id) and the likeliest's logit, then the tokens by
 * rising id: of more than VQ_MOST_CHOSEN the first so many. A logit that is not a number is never chosen. */
int vq_session_choose(vq_session*, int32_t n, const uint32_t* allowed, const double* below, vq_candidate* out,
                      vq_error*);
/* Appends n >= 1 tokens. log_prob[i] is ln p(ids[i+1] | the sequence, ids[..i]), argmax[i] the likeliest id in the
 * place of ids[i+1]: n - 1 of each. */
int vq_session_score(vq_session*, int32_t sequence, const int32_t* ids, int64_t n, float* log_prob, int32_t* argmax,
                     vq_error*);
/* Makes sequence `to` (which must be empty) begin with all tokens of `from`. The shared tokens are not copied; either
 * sequence may go on or be shortened without the other noticing. */
int vq_session_fork(vq_session*, int32_t from, int32_t to, vq_error*);
/* Shortens a sequence to its first `length` tokens. */
int vq_session_truncate(vq_session*, int32_t sequence, int64_t length, vq_error*);
int64_t vq_session_length(const vq_session*, int32_t sequence);

#ifdef __cplusplus
}
#endif

#endif
