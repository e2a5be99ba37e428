// Memory, transfers, events and graphs on the device under test, compared with the CPU.
#include "tests/backend/cases.h"

namespace vq::test {
namespace {

TEST(BackendDevice, EmptyTensorsAreIgnored) {
  PairMatrix x(4, 8, DType::f32, 0, 1);
  PairArray<int32_t> rows({0});
  on_both([&](Device& d, Side side) {
    const Tensor none = x[side].row_range(0, 0);
    d.copy(none, none);
    d.add(none, none, none);
    d.gather_rows(none, x[side], rows[side]);
    d.scatter_add_rows(x[side], none, rows[side]);
    d.scatter_rows(x[side], none, rows[side]);
    d.rms_norm(none, nullptr, none, static_cast<const float*>(x[side].data), 1e-6f);
  });
  expect_equal(x, "nothing");
}

TEST(BackendDevice, MemoryIsZeroedAndReturned) {
  Device& d = DevicePair::get()[candidate];
  const uint64_t before = d.info().memory_available;
  std::vector<char> bytes(10 << 20, 1);  // more than is staged at once
  void* p = d.alloc(bytes.size());
  d.download(bytes.data(), p, bytes.size());
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), 0), static_cast<int64_t>(bytes.size()));
  for (size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<char>(i * 2654435761u >> 13);
  d.upload(p, bytes.data(), bytes.size());
  std::vector<char> back(bytes.size());
  d.download(back.data(), p, back.size());
  EXPECT_EQ(bytes, back);
  d.free(p);
  if (d.capabilities().discrete_memory) {
    EXPECT_EQ(d.info().memory_available, before);
  }
}

TEST(BackendDevice, TooLargeAllocationThrowsNoMemory) {
  Device& d = DevicePair::get()[candidate];
  EXPECT_THROW(d.alloc(size_t{1} << 60), NoMemory);
  void* p = d.alloc(1000);
  d.free(p);
}

TEST(BackendDevice, AsyncTransfersArriveByTheirEvent) {
  Device& d = DevicePair::get()[candidate];
  constexpr size_t kBytes = 3 << 20;
  auto* sent = static_cast<unsigned char*>(d.host_alloc(kBytes));
  auto* received = static_cast<unsigned char*>(d.host_alloc(kBytes));
  EXPECT_EQ(std::count(received, received + kBytes, 0), static_cast<int64_t>(kBytes));
  void* memory = d.alloc(kBytes);
  const std::unique_ptr<Event> used(d.make_event()), arrived(d.make_event());
  d.wait(*arrived);  // never recorded: returns at once
  d.record(*used);   // alloc() zeroes the memory
  for (int round = 1; round <= 3; round++) {
    for (size_t i = 0; i < kBytes; i++) sent[i] = static_cast<unsigned char>(i * 31 + static_cast<size_t>(round));
    d.copy_to_device_async(memory, sent, kBytes, *used);
    d.copy_to_host_async(received, memory, kBytes);
    d.record(*used);
    d.record(*arrived);
    d.wait(*arrived);
    EXPECT_TRUE(std::equal(sent, sent + kBytes, received)) << round;
  }
  d.free(memory);
  d.host_free(sent);
  d.host_free(received);
}

// The second call may capture and later ones replay: each must use the current contents of its operands.
TEST(BackendDevice, ReplayMatchesDirectCalls) {
  Device& d = DevicePair::get()[candidate];
  const AttentionShape shape = {2, 1, 8, 0.35f};
  constexpr int64_t kKeys = 20;
  PairMatrix q(2, 16, DType::f32, 0, 1), k(kKeys, 8, DType::f32, 0, 2), v(kKeys, 8, DType::f32, 0, 3),
      o(2, 16, DType::f32, 0, 4), sum(2, 16, DType::f32, 0, 5);
  const std::unique_ptr<Graph> graph(d.make_graph());
  const std::vector<AttentionSegment> segments = {{0, 1, 0, 1}, {1, 1, 1, 1}};
  for (int32_t pass = 0; pass < 5; pass++) {
    const std::vector<KeyRange> ranges = {{0, 5 + pass}, {10, 7 + pass % 2}};
    const std::vector<int32_t> visible = {5 + pass, 7};
    const AttentionPlan plan = {segments, ranges, visible};
    const auto work = [&](Side side) {
      DevicePair::get()[side].attention(o[side], nullptr, q[side], k[side], v[side], shape, plan);
      DevicePair::get()[side].add(sum[side], o[side], q[side]);
    };
    work(reference);
    d.replay(*graph, plan, [&] { work(candidate); });
    expect_agree(sum, {1e-5, 1e-5}, "pass " + std::to_string(pass));
    on_both([&](Device& device, Side side) { device.copy(q[side], sum[side]); });
  }
}

}  // namespace
}  // namespace vq::test
