// The tensors of a Qwen3 model.
#pragma once

#include <vq.h>

namespace vq::test {

// Calls use(kind, layer, rows, cols) for each.
template <class Use>
void each_tensor(const vq_model_config& c, Use use) {
  const int64_t q = int64_t{c.heads} * c.head_dim, kv = int64_t{c.kv_heads} * c.head_dim;
  use(VQ_EMBEDDING, 0, c.vocab, c.hidden);
  if (!c.tied) use(VQ_OUTPUT, 0, c.vocab, c.hidden);
  use(VQ_FINAL_NORM, 0, 1, c.hidden);
  for (int l = 0; l < c.layers; l++) {
    use(VQ_ATTENTION_NORM, l, 1, c.hidden);
    use(VQ_MLP_NORM, l, 1, c.hidden);
    use(VQ_QUERY_NORM, l, 1, c.head_dim);
    use(VQ_KEY_NORM, l, 1, c.head_dim);
    use(VQ_Q, l, q, c.hidden);
    use(VQ_K, l, kv, c.hidden);
    use(VQ_V, l, kv, c.hidden);
    use(VQ_O, l, c.hidden, q);
    use(VQ_GATE, l, c.ffn, c.hidden);
    use(VQ_UP, l, c.ffn, c.hidden);
    use(VQ_DOWN, l, c.hidden, c.ffn);
  }
}

}  // namespace vq::test
