// Shared by the programs that scripts/gpu-check runs: options, model shapes, failures, random memory. Each program
// prints JSON objects, one per line, and flushes after each, so that a run that is ended early has reported what it
// measured.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "api/handles.h"

namespace vq::bench {

inline std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "\"";
}

[[noreturn]] inline void fail(const std::string& what) {
  std::printf("{\"error\": %s}\n", quoted(what).c_str());
  std::fflush(stdout);
  std::_Exit(1);
}

inline void must(int code, const vq_error& err) {
  if (code != VQ_OK) fail(err.text);
}

__attribute__((format(printf, 1, 2))) inline void print_line(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::printf("\n");
  std::fflush(stdout);
}

// LIBRARY [NAME VALUE]...
class Options {
 public:
  // values: every option with its default.
  Options(int argc, char** argv, std::map<std::string, std::string> values) : values_(std::move(values)) {
    if (argc < 2 || argc % 2 != 0) fail(std::string("usage: ") + argv[0] + " LIBRARY [NAME VALUE]...");
    library = argv[1];
    for (int i = 2; i + 1 < argc; i += 2) {
      const auto found = values_.find(argv[i]);
      if (found == values_.end()) fail(std::string("there is no option ") + argv[i]);
      found->second = argv[i + 1];
    }
  }
  std::string text(const std::string& name) const { return values_.at(name); }
  int number(const std::string& name, int least) const { return std::max(least, std::atoi(values_.at(name).c_str())); }
  std::string library;

 private:
  std::map<std::string, std::string> values_;
};

inline vq_model_config shape_named(const std::string& name) {
  if (name == "8b") return {36, 4096, 12288, 32, 8, 128, 151936, 0, 1e-6f, 1e6, VQ_WEIGHTS_PLAIN};
  if (name == "0.6b") return {28, 1024, 3072, 16, 8, 128, 151936, 1, 1e-6f, 1e6, VQ_WEIGHTS_PLAIN};
  if (name == "tiny") return {2, 64, 96, 4, 2, 16, 256, 1, 1e-6f, 1e6, VQ_WEIGHTS_PLAIN};
  fail("there is no shape " + name);
}

inline const std::vector<std::pair<std::string, WeightFormat>>& formats() {
  static const std::vector<std::pair<std::string, WeightFormat>> all = {{"plain", WeightFormat::plain},
                                                                        {"int8", WeightFormat::int8},
                                                                        {"nf4", WeightFormat::nf4},
                                                                        {"fp8", WeightFormat::fp8},
                                                                        {"fp8-products", WeightFormat::fp8_gemm}};
  return all;
}

inline WeightFormat format_named(const std::string& name) {
  for (const auto& [known, format] : formats())
    if (known == name) return format;
  fail("there are no weights " + name);
}

// bf16 numbers of both signs, from 2^exponent to 2^(exponent + 2). As f32, pairs of them are such numbers as well.
// They repeat after kPeriod, which divides no size of a model.
constexpr size_t kPeriod = 16769023;  // a prime
inline std::vector<uint16_t> random_bf16(size_t count, uint32_t seed, int exponent = -7) {
  const uint32_t smallest = static_cast<uint32_t>(127 + exponent) << 7;
  std::mt19937 random(seed);
  std::vector<uint16_t> values(count);
  for (size_t i = 0; i < count; i++) {
    uint16_t& v = values[i];
    if (i >= kPeriod) {
      v = values[i - kPeriod];
      continue;
    }
    const uint32_t bits = random();
    v = static_cast<uint16_t>((bits & 0x807f) | (smallest + (bits >> 8 & 0x0080)));
  }
  return values;
}

inline double since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace vq::bench
