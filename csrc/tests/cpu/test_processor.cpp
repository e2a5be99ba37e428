// The choice of kernels: based on the processor, capped by VQ_CPU, and rejected if they compute wrong results.
#include <cstdlib>

#include "tests/support.h"

namespace vq::test {
namespace {

class KernelSelection : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const char* old = std::getenv("VQ_CPU")) old_ = old;
  }
  void TearDown() override {
    if (old_.empty())
      unsetenv("VQ_CPU");
    else
      setenv("VQ_CPU", old_.c_str(), 1);
  }
  std::string old_;
};

TEST_F(KernelSelection, EnvironmentCapsTheKernels) {
  const std::vector<std::string> order = {"generic", "avx2", "avx512", "avx512-bf16", "amx"};
  for (size_t cap = 0; cap < order.size(); cap++) {
    setenv("VQ_CPU", order[cap].c_str(), 1);
    const std::unique_ptr<Device> device(open_cpu(1));
    const auto chosen = std::find(order.begin(), order.end(), device->info().instructions);
    ASSERT_NE(chosen, order.end());
    EXPECT_LE(static_cast<size_t>(chosen - order.begin()), cap);
  }
  setenv("VQ_CPU", "generic", 1);
  EXPECT_STREQ(cpu::choose_kernels().name, "generic");
}

TEST_F(KernelSelection, RefusesUnknownNames) {
  setenv("VQ_CPU", "sse9", 1);
  try {
    open_cpu(1);
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("sse9"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("avx512-bf16"), std::string::npos) << e.what();
  }
}

TEST_F(KernelSelection, SelectsKernelsThatCanRun) {
  unsetenv("VQ_CPU");
  EXPECT_TRUE(cpu::can_run(cpu::choose_kernels()));
}

TEST(SelfCheck, PassesEveryKernelAndCatchesAWrongOne) {
  for (const cpu::IsaKernels* k : testable_kernels()) {
    EXPECT_TRUE(cpu::self_check(*k)) << k->name;
    cpu::IsaKernels wrong = *k;
    wrong.f32.tiles = [](int64_t, const void*, int64_t, int64_t, const void*, float*, int64_t, bool, cpu::Prefetch) {};
    EXPECT_FALSE(cpu::self_check(wrong)) << k->name;
    wrong = *k;
    wrong.bf16.pack_b = wrong.bf16.pack_a;
    if (k->bf16.mr != k->bf16.nr) {
      EXPECT_FALSE(cpu::self_check(wrong)) << k->name;
    }
  }
}

TEST(Device, DescribesItself) {
  const std::unique_ptr<Device> device(open_cpu(0));
  const DeviceInfo info = device->info();
  EXPECT_GE(info.threads, 1);
  EXPECT_FALSE(info.name.empty());
  EXPECT_GT(info.memory_total, info.memory_available / 2);
  EXPECT_GT(info.memory_available, 0u);
  EXPECT_THROW(open_cpu(-1), Error);
}

TEST(Device, MemoryIsAlignedAndZeroedOrRefused) {
  const std::unique_ptr<Device> device(open_cpu(1));
  for (size_t bytes : {size_t{1}, size_t{4097}, size_t{9} << 20}) {
    auto* p = static_cast<unsigned char*>(device->alloc(bytes));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 64, 0u);
    EXPECT_EQ(p[0], 0);
    EXPECT_EQ(p[bytes - 1], 0);
    std::memset(p, 1, bytes);
    device->free(p);
  }
  device->free(nullptr);
  EXPECT_THROW(device->alloc(SIZE_MAX - 10), Error);
  EXPECT_THROW(device->alloc(SIZE_MAX / 4), Error);
}

}  // namespace
}  // namespace vq::test
