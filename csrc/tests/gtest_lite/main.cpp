// Runs the tests, all or those that match --gtest_filter=PATTERN (* matches anything), with GoogleTest's output.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <memory>

namespace testing {
namespace {

struct Named {
  std::string name;
  Factory make;
};
std::vector<Named>& tests() {
  static std::vector<Named> all;
  return all;
}
std::vector<std::function<void()>>& instances() {
  static std::vector<std::function<void()>> all;
  return all;
}
bool failed = false;

bool matches(const char* pattern, const char* name) {
  if (*pattern == 0) return *name == 0;
  if (*pattern == '*') return matches(pattern + 1, name) || (*name != 0 && matches(pattern, name + 1));
  return *pattern == *name && matches(pattern + 1, name + 1);
}

void run(const Named& test) {
  failed = false;
  std::cout << "[ RUN      ] " << test.name << std::endl;
  const auto start = std::chrono::steady_clock::now();
  try {
    const std::unique_ptr<Test> t(test.make());
    t->SetUp();
    if (!failed) t->TestBody();
    t->TearDown();
  } catch (const std::exception& e) {
    Failure(test.name.c_str(), 0, "an exception") = Message() << e.what();
  }
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  std::cout << (failed ? "[  FAILED  ] " : "[       OK ] ") << test.name << " (" << ms.count() << " ms)" << std::endl;
}

}  // namespace

void Failure::operator=(const Message& words) const {
  failed = true;
  std::cout << file_ << ":" << line_ << ": Failure\n" << what_ << "\n" << words.text() << std::endl;
}

bool add_test(const std::string& name, Factory make) {
  tests().push_back({name, std::move(make)});
  return true;
}
std::map<std::string, std::vector<std::pair<std::string, Factory>>>& parametrised() {
  static std::map<std::string, std::vector<std::pair<std::string, Factory>>> all;
  return all;
}
bool add_instances(std::function<void()> expand) {
  instances().push_back(std::move(expand));
  return true;
}

}  // namespace testing

int main(int argc, char** argv) {
  using namespace testing;
  std::string filter = "*";
  constexpr char kFilter[] = "--gtest_filter=";
  for (int i = 1; i < argc; i++)
    if (std::strncmp(argv[i], kFilter, sizeof kFilter - 1) == 0) filter = argv[i] + sizeof kFilter - 1;
  for (const auto& expand : instances()) expand();
  std::vector<std::string> bad;
  size_t passed = 0;
  for (const Named& t : tests()) {
    if (!matches(filter.c_str(), t.name.c_str())) continue;
    run(t);
    if (failed) {
      bad.push_back(t.name);
    } else {
      passed++;
    }
  }
  std::cout << "[  PASSED  ] " << passed << " tests." << std::endl;
  for (const std::string& name : bad) std::cout << "[  FAILED  ] " << name << std::endl;
  return bad.empty() ? 0 : 1;
}
