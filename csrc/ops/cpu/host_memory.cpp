#include "ops/cpu/host_memory.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

namespace vq::cpu {
namespace {

// Where a version of control groups has its files.
struct Names {
  const char* limits[2];  // the second may be null
  const char* used;
  const char* caches[2];  // lines of memory.stat: file pages, which are reclaimed on demand
};
constexpr Names kV1 = {
    {"memory.limit_in_bytes", nullptr}, "memory.usage_in_bytes", {"total_inactive_file", "total_active_file"}};
constexpr Names kV2 = {{"memory.max", "memory.high"}, "memory.current", {"inactive_file", "active_file"}};

struct Mount {
  std::string root;   // of the hierarchy, as the mount shows it
  std::string point;  // where it is mounted
};

// A line "Name:   123 kB" of a file under /proc, in bytes; 0 when it is missing.
uint64_t proc_bytes(const std::string& path, const std::string& name) {
  std::ifstream in(path);
  std::string line, key;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    uint64_t kib = 0;
    if (words >> key >> kib && key == name + ":") return kib * 1024;
  }
  return 0;
}

// A file with a single number; `none` if it is missing or "max".
uint64_t number_in(const std::string& path, uint64_t none) {
  std::ifstream in(path);
  uint64_t value = 0;
  return in >> value ? value : none;
}

uint64_t stat_line(const std::string& path, const std::string& name) {
  std::ifstream in(path);
  std::string key;
  uint64_t value = 0;
  while (in >> key >> value)
    if (key == name) return value;
  return 0;
}

bool has_word(const std::string& list, const std::string& word) {
  std::istringstream in(list);
  std::string each;
  while (std::getline(in, each, ','))
    if (each == word) return true;
  return false;
}

// mountinfo writes spaces and backslashes as octal numbers.
std::string unescaped(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// The mount of control groups of a version; false if there is none.
bool find_mount(const std::string& root, bool v1, Mount& found) {
  std::ifstream in(root + "/proc/self/mountinfo");
  std::string line;
  while (std::getline(in, line)) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::string id, parent, device, from, point, type, source, options;
    std::istringstream(line) >> id >> parent >> device >> from >> point;
    std::istringstream(line.substr(dash + 3)) >> type >> source >> options;
    if (v1 ? type == "cgroup" && has_word(options, "memory") : type == "cgroup2") {
      found = {unescaped(from), unescaped(point)};
      return true;
    }
  }
  return false;
}

bool is_folder(const std::string& path) {
  struct stat s;
  return stat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode);
}

// The path of a group below its mount. /proc/self/cgroup has it from the root of the hierarchy, which the mount need
// not show: then the mount is that of the group itself, as in a container with the host's namespace.
std::string below_mount(const std::string& root, const Mount& mount, std::string path) {
  if (mount.root != "/") {
    const bool inside =
        path.rfind(mount.root, 0) == 0 && (path.size() == mount.root.size() || path[mount.root.size()] == '/');
    path = inside ? path.substr(mount.root.size()) : "";
  }
  if (path == "/" || path.rfind("/..", 0) == 0 || !is_folder(root + mount.point + path)) return "";
  return path;
}

// Lowers the memory to what a group and those around it allow.
void limit(HostMemory& memory, const std::string& root, bool v1, const std::string& path) {
  Mount mount;
  if (!find_mount(root, v1, mount)) return;
  const Names& names = v1 ? kV1 : kV2;
  for (std::string group = below_mount(root, mount, path);; group.erase(group.rfind('/'))) {
    const std::string folder = root + mount.point + group + "/";
    uint64_t most = UINT64_MAX;
    for (const char* name : names.limits)
      if (name) most = std::min(most, number_in(folder + name, UINT64_MAX));
    if (most < memory.total) memory.total = most;
    if (most != UINT64_MAX) {
      uint64_t used = number_in(folder + names.used, 0);
      for (const char* cache : names.caches) used -= std::min(used, stat_line(folder + "memory.stat", cache));
      memory.available = std::min(memory.available, most - std::min(most, used));
    }
    if (group.empty()) return;
  }
}

}  // namespace

HostMemory host_memory(const std::string& root) {
  HostMemory memory = {proc_bytes(root + "/proc/meminfo", "MemTotal"),
                       proc_bytes(root + "/proc/meminfo", "MemAvailable")};
  std::ifstream in(root + "/proc/self/cgroup");
  std::string line;
  while (std::getline(in, line)) {  // hierarchy:controllers:path
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (controllers.empty()) {
      limit(memory, root, false, path);
    } else if (has_word(controllers, "memory")) {
      limit(memory, root, true, path);
    }
  }
  return memory;
}

}  // namespace vq::cpu
