/* The border between Go and the engine: the only header that Go sees.
 *
 * Handles are opaque; every call that can fail returns 0 or a nonzero code and puts a sentence without a full stop into
 * the caller's vq_error. After a failure a handle is as it was before the call, unless documented otherwise. One thread
 * at a time may use a device and what was made on it. Lengths and indices are checked; pointers must be valid. Handles
 * are closed in the reverse order of their making; closing NULL does nothing.
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

/* VQ_PEER_FAILED: another process of the run failed, left or does not answer; this one cannot go on either. */
enum { VQ_OK = 0, VQ_FAILED = 1, VQ_NO_MEMORY = 2, VQ_BAD_ARGUMENT = 3, VQ_PEER_FAILED = 4 };

typedef struct {
  char text[512];
} vq_error;

typedef struct vq_device vq_device;
typedef struct vq_model vq_model;
typedef struct vq_adapter vq_adapter;
typedef struct vq_trainer vq_trainer;
typedef struct vq_session vq_session;
typedef struct vq_comm vq_comm;

/* Device. ---------------------------------------------------------------------------------------------------------- */

typedef struct {
  char name[128];          /* CPU or GPU */
  char instructions[32];   /* of the GEMMs: "amx", "avx512-bf16", "avx512", "avx2", "generic", or "sm_86"; "sm_90,
                              wgmma" where attention has wgmma, "sm_90, wgmma wrong in dq 128" where it gave another dq
                              than attention without for heads of 128, and is not used */
  int32_t threads;         /* of a GPU: multiprocessors */
  int32_t fast_bf16;       /* 1 when bf16 GEMMs are faster than f32 ones: what precision "auto" means */
  int32_t discrete_memory; /* 1: the device has memory of its own (a GPU) */
  char gemm_library[160];  /* library and GPU that GEMM tuning applies to; empty: there is nothing to tune */
  uint64_t memory_total;   /* bytes */
  uint64_t memory_available;
  int64_t unaligned_gemms; /* so far: GEMMs that the library computes slowly, because rows do not begin at multiples of
                              16 bytes */
} vq_device_info;

int vq_device_open_cpu(int32_t threads /* 0: all */, vq_device** out, vq_error* err);
/* Opens a device of a backend, counted from 0. library: path of the backend (libvqcuda.so), which stays loaded. The
 * message says what is missing: library, driver, version, capability. If the device itself fails later, in mid-step
 * say, every call fails from then on: close everything and start anew. */
int vq_device_open(const char* library, int32_t index, vq_device** out, vq_error* err);
void vq_device_close(vq_device*);
void vq_device_describe(const vq_device*, vq_device_info* out);

/* GEMM tuning: which of a library's algorithms runs for each GEMM shape. The order of sums, and so the results, depend
 * on it. vq_trainer_tune_gemms finds it; the caller saves it and gives it to the device of a later run, which then
 * computes the same. read: copies at most `capacity` bytes (bytes may be NULL when that is 0) and returns the size.
 * write: fails and changes nothing if the bytes are corrupt or of another library, driver or GPU. */
int vq_device_read_gemm_tuning(const vq_device*, void* bytes, size_t capacity, size_t* size, vq_error*);
int vq_device_write_gemm_tuning(vq_device*, const void* bytes, size_t size, vq_error*);

/* GFLOP/s of the device's GEMM of [m, k] by [k, n], the best of a few runs. */
int vq_device_measure_gemm(vq_device*, int32_t precision, int64_t m, int64_t n, int64_t k, double* gflops, vq_error*);
/* Bytes per second of reading memory with all threads. */
int vq_device_measure_bandwidth(vq_device*, double* bytes_per_second, vq_error*);

/* Several processes. ----------------------------------------------------------------------------------------------- */

typedef struct {
  int32_t rank, world;
  char library[128]; /* "Open MPI v4.1.4" */
} vq_comm_info;

/* Joins the processes that an MPI launcher has started. library: file of an MPI library, loaded now; a process can join
 * once. A process without a sign of life for `patience` seconds counts as dead. One thread at a time may use a comm,
 * except as documented. */
int vq_comm_open_mpi(const char* library, double patience, vq_comm** out, vq_error*);
/* Waits until the others close too, for 10 seconds or the patience at most; after that ends them, and this process. */
void vq_comm_close(vq_comm*);
void vq_comm_describe(const vq_comm*, vq_comm_info* out);
/* all: [world, bytes], the same on every rank. */
int vq_comm_all_gather(vq_comm*, const void* mine, size_t bytes, void* all, vq_error*);
/* Tells the others that this process cannot go on, and why: what they wait for fails. Any thread may call it. */
void vq_comm_fail(vq_comm*, const char* why);
/* Seconds for which this process has waited for data of a rank, so far. Any thread may call it. */
double vq_comm_waited(const vq_comm*, int32_t rank);

/* Model. ----------------------------------------------------------------------------------------------------------- */

enum { VQ_F32 = 0, VQ_BF16 = 1, VQ_F16 = 2 };

/* Storage of the projections' weights (q to down); embedding, output and norms are never quantized. The formats are
 * bitsandbytes' (LLM.int8 by rows; NF4 with double quantization) and fp8 e4m3 scaled by rows. VQ_WEIGHTS_FP8_GEMM
 * stores weights as VQ_WEIGHTS_FP8 does and also rounds the other GEMM operand to e4m3 by rows, for the fp8 tensor
 * cores of a GPU. LoRA GEMMs are never in fp8. */
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

/* precision: VQ_F32 or VQ_BF16, the type of activations and GEMM operands. */
int vq_model_create(vq_device*, const vq_model_config*, int32_t precision, vq_model** out, vq_error*);
void vq_model_close(vq_model*);
/* Sets one tensor, row-major. The data are borrowed and must stay in place (best mapped) until vq_model_close. */
int vq_model_set_tensor(vq_model*, vq_tensor_kind, int32_t layer, const void* data, int32_t dtype, int64_t rows,
                        int64_t cols, vq_error*);
/* Checks that no tensor is missing and prepares the weights, quantizing them if the configuration says so, one at a
 * time. for_training: also for the backward pass. After a failure the model can only be closed. */
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
  float scale;      /* alpha / r, or alpha / sqrt(r) */
  float dropout;    /* of the adapter's input, in training only; projections that share an input share its mask */
  uint32_t targets; /* VQ_TARGET_* */
} vq_adapter_config;

/* y = W x + scale * B A dropout(x). A [rank, in], B [out, rank], fp32, zero until written. */
int vq_adapter_create(vq_model*, const vq_adapter_config*, vq_adapter** out, vq_error*);
void vq_adapter_close(vq_adapter*);
/* target: one VQ_TARGET_* bit. */
int vq_adapter_write(vq_adapter*, int32_t layer, uint32_t target, const float* a, const float* b, vq_error*);
int vq_adapter_read(vq_adapter*, int32_t layer, uint32_t target, float* a, float* b, vq_error*);

/* Memory plan. ----------------------------------------------------------------------------------------------------- */

typedef struct {
  int64_t max_tokens;  /* rows of the largest micro-batch */
  int64_t max_windows; /* of a micro-batch */
  int64_t max_targets; /* target rows of a micro-batch */
  /* Gradient checkpointing: of this many layers, from the first on, only the input is kept; the backward pass
   * recomputes the rest, bit for bit. More than there are: all. The last two are kept in any case. */
  int32_t recompute_layers;
  int32_t offload_optimizer; /* keep the optimizer's moments in page-locked memory of the host */
  int32_t ranks;             /* processes that share the run and its optimizer's state; 0 and 1: one */
} vq_train_limits;

/* Bytes. Page-locked memory of the host counts in the rows and the total of a device without memory of its own. */
typedef struct {
  uint64_t weights;
  uint64_t mapped;  /* of weights: the caller's tensors, used in place */
  uint64_t adapter; /* parameters */
  uint64_t gradients;
  uint64_t optimizer;
  uint64_t activations; /* of training, or the key/value cache of a session */
  uint64_t workspace;
  uint64_t driver; /* what driver and libraries will take in addition */
  uint64_t total;  /* of all rows but mapped */
  uint64_t host;   /* page-locked memory of the host, in addition to the total */
} vq_memory_plan;

/* A GPU that need not be in this machine, as the CUDA backend would use it. */
typedef struct {
  int32_t multiprocessors;
  int32_t fp8; /* 1: it has fp8 tensor cores */
} vq_gpu;

/* The memory of a training run; allocates nothing. Either device or gpu is NULL. dtype: of the files' tensors. adapter
 * NULL: evaluation of the base. */
int vq_plan_training(const vq_device*, const vq_gpu*, const vq_model_config*, int32_t dtype, int32_t precision,
                     const vq_adapter_config* adapter, const vq_train_limits*, vq_memory_plan* out, vq_error*);
/* The memory of a session: capacity tokens in all, sequences decoded at once. */
int vq_plan_session(const vq_device*, const vq_gpu*, const vq_model_config*, int32_t dtype, int32_t precision,
                    const vq_adapter_config* adapter, int64_t capacity, int32_t max_sequences, vq_memory_plan* out,
                    vq_error*);

/* Training and evaluation. ----------------------------------------------------------------------------------------- */

/* A micro-batch in memory of the engine. There are two: one is filled while the other runs. */
typedef struct {
  int32_t* ids;          /* [max_tokens] windows end to end */
  int32_t* window_begin; /* [max_windows + 1] first row of each window, then the number of rows */
  int32_t*
      target_row; /* [max_targets] ascending: the row whose output predicts target_id (that of the token before it) */
  int32_t* target_id;   /* [max_targets] */
  float* target_weight; /* [max_targets] factor of the target's loss and gradient, usually 1 */
} vq_batch;

/* adapter NULL: evaluation of the base alone. for_training 0: no gradients, no optimizer, no saved activations. */
int vq_trainer_create(vq_model*, vq_adapter* adapter, const vq_train_limits*, int32_t for_training, vq_trainer** out,
                      vq_error*);
/* The same for training with the other processes of the comm, of which limits.ranks are. The micro-batches of a step
 * are dealt to the ranks in turn, number i to rank i mod world: each rank calls vq_trainer_accumulate for each round of
 * them, with no windows and targets if the last round has none for it. All call the same functions in the same order.
 * Any number of processes computes the same bytes as one, if their devices do. */
int vq_trainer_create_sharded(vq_model*, vq_adapter*, const vq_train_limits*, vq_comm*, vq_trainer** out, vq_error*);
void vq_trainer_close(vq_trainer*);
int vq_trainer_batch(vq_trainer*, int32_t slot /* 0 or 1 */, vq_batch* out, vq_error*);

/* Forward and backward pass of the micro-batch in slot; adds to the gradients and to the step's loss. Returns at once;
 * the slot may be refilled after vq_trainer_wait. dropout_seed selects the masks: give each micro-batch its own. */
int vq_trainer_accumulate(vq_trainer*, int32_t slot, int32_t windows, int32_t targets, uint64_t dropout_seed,
                          vq_error*);
/* Waits until the slot's batch has run and reports its failure. A failure loses the step: the update reports the same
 * failure, changes nothing and starts a new step. */
int vq_trainer_wait(vq_trainer*, int32_t slot, vq_error*);

typedef struct {
  float learning_rate, beta1, beta2, epsilon, weight_decay;
  float max_grad_norm; /* clip to min(1, max / (norm + 1e-6)); 0: never */
  double normalizer;   /* gradients are divided by it: the number of target tokens of the step */
  int64_t step;        /* from 1: AdamW's bias correction */
  uint32_t flags;      /* what this process wants to tell the others of the run */
} vq_update;

typedef struct {
  double loss_sum;  /* weighted, over the step's targets, before division */
  double grad_norm; /* of the normalized gradient, before clipping */
  uint32_t flags;   /* those of all processes */
} vq_update_result;

/* After the batches accumulated so far: normalizes, clips, updates, and zeroes gradients and loss. Returns at once. One
 * update may be in flight at a time; batches of the next step may be accumulated behind it. */
int vq_trainer_begin_update(vq_trainer*, const vq_update*, vq_error*);
/* Waits for the update and returns its result. If loss or norm is not finite, nothing was updated, the result is filled
 * and VQ_FAILED is returned. After any failure the adapter is as it was before the step, and batches accumulated since
 * are dropped. */
int vq_trainer_end_update(vq_trainer*, vq_update_result* out, vq_error*);
/* Begins an update and waits for it. */
int vq_trainer_update(vq_trainer*, const vq_update*, vq_update_result* out, vq_error*);

/* Times the algorithms of every GEMM shape of training steps of all lengths that is not tuned yet. Overwrites the
 * batches and drops the accumulated gradients; trains nothing. */
int vq_trainer_tune_gemms(vq_trainer*, vq_error*);

/* Loss of each target of the batch in slot (natural log, unweighted), without dropout; waits. */
int vq_trainer_evaluate(vq_trainer*, int32_t slot, int32_t windows, int32_t targets, float* loss, vq_error*);

/* Optimizer moments, shaped like A and B. */
int vq_trainer_read_moments(vq_trainer*, int32_t layer, uint32_t target, float* a_m, float* a_v, float* b_m, float* b_v,
                            vq_error*);
int vq_trainer_write_moments(vq_trainer*, int32_t layer, uint32_t target, const float* a_m, const float* a_v,
                             const float* b_m, const float* b_v, vq_error*);
/* Of a sharded trainer only rank 0 reads moments: the others send them, until rank 0 has called
 * vq_trainer_moments_read. Without other processes both do nothing. */
int vq_trainer_send_moments(vq_trainer*, vq_error*);
int vq_trainer_moments_read(vq_trainer*, vq_error*);
/* The gradients accumulated so far (sums, before normalization). For tests and benchmarks; not of a
 * sharded trainer. */
int vq_trainer_read_gradients(vq_trainer*, int32_t layer, uint32_t target, float* a, float* b, vq_error*);

/* The arithmetic of one micro-batch as the engine does it, forward and backward, in floating-point operations (a
 * multiplication and an addition are two). */
typedef struct {
  double base;       /* GEMMs with the frozen projections */
  double other;      /* LoRA, causal attention, logits of target rows */
  double recomputed; /* layers whose forward pass runs again for the backward pass */
  int32_t recomputed_layers;
} vq_flops;

/* window_tokens, window_targets: [windows] rows and target rows of each window. */
int vq_training_flops(const vq_model_config*, const vq_adapter_config*, int32_t recompute_layers,
                      const int64_t* window_tokens, const int64_t* window_targets, int64_t windows, vq_flops* out,
                      vq_error*);

/* Inference. ------------------------------------------------------------------------------------------------------- */

/* A key/value cache of `capacity` tokens in all, shared by up to max_sequences sequences, all empty at first. The
 * session copies the adapter: later writes to it do not reach the session. */
int vq_session_create(vq_model*, vq_adapter* /* or NULL */, int64_t capacity, int32_t max_sequences, vq_session** out,
                      vq_error*);
void vq_session_close(vq_session*);
/* Appends n >= 1 tokens to a sequence. logits: [vocab] after the last of them, or NULL. */
int vq_session_prefill(vq_session*, int32_t sequence, const int32_t* ids, int64_t n, float* logits, vq_error*);
/* The same, but the logits after the last token stay on the device, as one row, until the next call of prefill, decode
 * or score. */
int vq_session_prefill_on_device(vq_session*, int32_t sequence, const int32_t* ids, int64_t n, vq_error*);
/* Tokens that vq_session_decode takes at most, if the session has no more sequences. */
enum { VQ_DECODE_ROWS = 8 };
/* Appends ids[i] to sequences[i], for i = 0 .. n - 1; a sequence may be listed several times. logits: [n, vocab], row i
 * after ids[i]; NULL: they stay on the device, as n rows. On the CPU each row is the same, to the bit, in a call of up
 * to VQ_DECODE_ROWS tokens and in a call of its own. */
int vq_session_decode(vq_session*, const int32_t* sequences, const int32_t* ids, int32_t n, float* logits, vq_error*);
/* Rows [first, first + count) of the logits on the device. */
int vq_session_logits(vq_session*, int32_t first, int32_t count, float* logits, vq_error*);

typedef struct {
  int32_t id;
  float logit;
} vq_candidate;
enum { VQ_MAX_CANDIDATES = 1024 };

/* The candidates for sampling in each of the first n rows of the logits on the device: allowed tokens whose logit is at
 * least the highest allowed logit plus below[i] <= 0. allowed: bit i % 32 of word i / 32 for id i, [n, (vocab + 31) /
 * 32]; NULL: all. out: [n, VQ_MAX_CANDIDATES + 1], in each row first the number of candidates (as id) with the highest
 * logit, then the candidates by ascending id, at most the first VQ_MAX_CANDIDATES. NaN is never a candidate. */
int vq_session_candidates(vq_session*, int32_t n, const uint32_t* allowed, const double* below, vq_candidate* out,
                          vq_error*);
/* Appends n >= 1 tokens. log_prob[i] is ln p(ids[i+1] | the sequence, ids[..i]), argmax[i] the likeliest id in its
 * place: n - 1 of each. */
int vq_session_score(vq_session*, int32_t sequence, const int32_t* ids, int64_t n, float* log_prob, int32_t* argmax,
                     vq_error*);
/* vq_session_score for several sequences, in as few passes as there is room for: appends counts[i] >= 1 of the ids,
 * which follow one another, to sequences[i], for i = 0 .. n - 1. No sequence is listed twice. log_prob and argmax have
 * counts[i] - 1 values for each. */
int vq_session_score_each(vq_session*, const int32_t* sequences, const int64_t* counts, int32_t n, const int32_t* ids,
                          float* log_prob, int32_t* argmax, vq_error*);
/* Makes sequence `to`, which must be empty, begin with all tokens of `from`. Shared tokens are not copied. Either
 * sequence may be extended or truncated without effect on the other. */
int vq_session_fork(vq_session*, int32_t from, int32_t to, vq_error*);
/* Truncates a sequence to its first `length` tokens. */
int vq_session_truncate(vq_session*, int32_t sequence, int64_t length, vq_error*);
int64_t vq_session_length(const vq_session*, int32_t sequence);

#ifdef __cplusplus
}
#endif

#endif
