// The memory that control groups leave to a process, on trees of files made up here.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "ops/cpu/host_memory.h"

namespace vq::test {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr const char* kV2Mount = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

std::string gib(double n) { return std::to_string(static_cast<uint64_t>(n * static_cast<double>(kGiB))) + "\n"; }

class HostMemory : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "vq-host-memory-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    write("/proc/meminfo",
          "MemTotal:       67108864 kB\nMemFree:  1024 kB\nMemAvailable:   50331648 kB\n");  // 64 and 48 GiB
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  void process(const std::string& mounts, const std::string& groups) {
    write("/proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + mounts);
    write("/proc/self/cgroup", groups);
  }
  void v2(const std::string& group, const std::string& most, double used, double inactive, double active) {
    const std::string at = "/sys/fs/cgroup" + group;
    write(at + "/memory.max", most);
    write(at + "/memory.current", gib(used));
    write(at + "/memory.stat", "anon 1\nfile 2\ninactive_file " + gib(inactive) + "active_file " + gib(active));
  }
  void expect(double total, double available) {
    const cpu::HostMemory memory = cpu::host_memory(root_);
    EXPECT_EQ(memory.total, static_cast<uint64_t>(total * kGiB));
    EXPECT_EQ(memory.available, static_cast<uint64_t>(available * kGiB));
  }
  std::string root_;
};

TEST_F(HostMemory, IsTheMachinesWithoutLimits) {
  expect(64, 48);
  process(kV2Mount, "0::/user.slice/session.scope\n");
  v2("/user.slice/session.scope", "max\n", 3, 0, 0);
  expect(64, 48);
}

TEST_F(HostMemory, CountsNoPageCacheAsUsed) {
  process(kV2Mount, "0::/\n");
  v2("", gib(16), 15, 4, 8);
  expect(16, 13);
}

TEST_F(HostMemory, IsWhatTheTightestSliceLeaves) {
  process(kV2Mount, "0::/a.slice/b.slice/c.scope\n");
  v2("/a.slice/b.slice/c.scope", "max\n", 1, 0, 0);
  v2("/a.slice/b.slice", gib(32), 2, 0, 0);
  v2("/a.slice", gib(40), 39, 1, 1);  // others in the slice use it
  expect(32, 3);
}

TEST_F(HostMemory, HeedsWhereReclaimBegins) {
  process(kV2Mount, "0::/a\n");
  v2("/a", "max\n", 1, 0, 0);
  write("/sys/fs/cgroup/a/memory.high", gib(8));
  expect(8, 7);
}

TEST_F(HostMemory, NeverFallsBelowZero) {
  process(kV2Mount, "0::/a\n");
  v2("/a", gib(4), 5, 0, 0);
  expect(4, 0);
  v2("/a", gib(4), 1, 2, 2);  // the counters are not read at one moment
  expect(4, 4);
}

TEST_F(HostMemory, ReadsVersion1) {
  process(
      "33 30 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n34 30 0:30 / /sys/fs/cgroup/memory rw - cgroup "
      "cgroup rw,memory\n",
      "5:cpu,cpuacct:/x\n4:memory:/jobs/7\n");
  const std::string at = "/sys/fs/cgroup/memory";
  write(at + "/memory.limit_in_bytes", "9223372036854771712\n");
  write(at + "/memory.usage_in_bytes", gib(60));
  write(at + "/jobs/memory.limit_in_bytes", gib(24));
  write(at + "/jobs/memory.usage_in_bytes", gib(12));
  write(at + "/jobs/memory.stat", "inactive_file 0\ntotal_inactive_file " + gib(2) + "total_active_file " + gib(4));
  write(at + "/jobs/7/memory.limit_in_bytes", "9223372036854771712\n");
  expect(24, 18);
}

// In a container with the host's namespace of groups, the process's path is the host's.
TEST_F(HostMemory, ReadsTheHostsNamespace) {
  const std::string path = "/system.slice/docker-0a1b.scope";
  process("30 24 0:26 " + path + " /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "0::" + path + "\n");
  v2("", gib(6), 2, 0, 0);
  expect(6, 4);
  process(kV2Mount, "0::" + path + "\n");  // the whole hierarchy is mounted
  v2("", "max\n", 2, 0, 0);
  v2(path, gib(5), 2, 0, 0);
  expect(5, 3);
  process(kV2Mount, "0::/not/mounted/here\n");
  v2("", gib(7), 2, 0, 0);
  expect(7, 5);
  process(kV2Mount, "0::/../other.scope\n");
  expect(7, 5);
}

TEST_F(HostMemory, ReadsMountsWithSpaces) {
  process("30 24 0:26 / /sys/fs/my\\040groups rw - cgroup2 cgroup2 rw\n", "0::/a\n");
  write("/sys/fs/my groups/a/memory.max", gib(3));
  write("/sys/fs/my groups/a/memory.current", gib(1));
  expect(3, 2);
}

TEST_F(HostMemory, IgnoresNonsense) {
  process("30 24\n - \n31 - cgroup2\n" + std::string(kV2Mount), "0::\nx\n:::\n0:memory\n99:memory:/\n0::/a\n");
  v2("/a", "nonsense\n", 1, 0, 0);
  expect(64, 48);
}

}  // namespace
}  // namespace vq::test
