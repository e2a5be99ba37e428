// The subset of GoogleTest that the GPU tests use, for GPU machines without it and without network access: see
// gpu-check. Everywhere else the real one is used. The names are GoogleTest's.
#pragma once

#include <cmath>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

namespace testing {

class Message {
 public:
  template <class T>
  Message& operator<<(const T& value) {
    text_ << value;
    return *this;
  }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
};

// What went wrong; the words after the check are assigned to it.
class Failure {
 public:
  Failure(const char* file, int line, std::string what) : file_(file), line_(line), what_(std::move(what)) {}
  void operator=(const Message& words) const;

 private:
  const char* file_;
  int line_;
  std::string what_;
};

// A test that ends early; the words are assigned to it.
struct Skip {
  void operator=(const Message& words) const { std::cout << "skipped: " << words.text() << "\n"; }
};

template <class T>
std::string printed(const T& value) {
  if constexpr (requires(std::ostringstream & s) { s << value; }) {
    std::ostringstream s;
    s.precision(9);
    s << value;
    return s.str();
  } else {
    return "a value";
  }
}

// Empty when the check holds.
template <class A, class B, class Holds>
std::string compared(const char* left, const char* sign, const char* right, const A& a, const B& b, Holds holds) {
  if (holds(a, b)) return "";
  return std::string("expected ") + left + " " + sign + " " + right + ", they are " + printed(a) + " and " + printed(b);
}

// What a statement throws, empty if it does not.
template <class Statement>
std::string thrown(Statement statement) {
  try {
    statement();
    return "";
  } catch (const std::exception& e) {
    return std::string("it threw: ") + e.what();
  }
}

class Test {
 public:
  virtual ~Test() = default;
  virtual void SetUp() {}
  virtual void TearDown() {}
  virtual void TestBody() = 0;
};

template <class T>
class TestWithParam : public Test {
 public:
  using ParamType = T;
  const T& GetParam() const { return *current(); }
  static const T*& current() {
    static const T* p = nullptr;
    return p;
  }
};

template <class T>
struct TestParamInfo {
  T param;
  size_t index;
};

using Factory = std::function<Test*()>;
bool add_test(const std::string& name, Factory make);
// Tests with parameters of a suite, and its instances, in whichever order they are declared.
std::map<std::string, std::vector<std::pair<std::string, Factory>>>& parametrised();
bool add_instances(std::function<void()> expand);

template <class... T>
std::vector<std::common_type_t<T...>> Values(T... values) {
  return {values...};
}
template <class Container>
auto ValuesIn(const Container& values) {
  return std::vector<std::remove_cvref_t<decltype(*std::begin(values))>>(std::begin(values), std::end(values));
}

template <class Suite, class Namer>
bool instantiate(const char* prefix, const char* suite, std::vector<typename Suite::ParamType> values, Namer namer) {
  return add_instances([=] {
    for (const auto& [name, make] : parametrised()[suite])
      for (size_t i = 0; i < values.size(); i++) {
        const auto* value = new typename Suite::ParamType(values[i]);
        const std::string full = std::string(prefix) + "/" + suite + "." + name + "/" +
                                 namer(TestParamInfo<typename Suite::ParamType>{*value, i});
        add_test(full, [make = make, value] {
          Suite::current() = value;
          return make();
        });
      }
  });
}

}  // namespace testing

#define VQ_LITE_CHECK(what, leave)                           \
  if (const std::string vq_wrong = what; vq_wrong.empty()) { \
  } else                                                     \
    leave ::testing::Failure(__FILE__, __LINE__, vq_wrong) = ::testing::Message()
#define VQ_LITE_COMPARE(a, sign, b, leave) \
  VQ_LITE_CHECK(::testing::compared(#a, #sign, #b, a, b, [](const auto& x, const auto& y) { return x sign y; }), leave)
#define VQ_LITE_TRUTH(a, leave) VQ_LITE_CHECK((a) ? std::string() : std::string("it does not hold: " #a), leave)

#define EXPECT_EQ(a, b) VQ_LITE_COMPARE(a, ==, b, )
#define EXPECT_NE(a, b) VQ_LITE_COMPARE(a, !=, b, )
#define EXPECT_LT(a, b) VQ_LITE_COMPARE(a, <, b, )
#define EXPECT_LE(a, b) VQ_LITE_COMPARE(a, <=, b, )
#define EXPECT_GT(a, b) VQ_LITE_COMPARE(a, >, b, )
#define EXPECT_GE(a, b) VQ_LITE_COMPARE(a, >=, b, )
#define EXPECT_TRUE(a) VQ_LITE_TRUTH(a, )
#define EXPECT_FALSE(a) VQ_LITE_TRUTH(!(a), )
#define ASSERT_EQ(a, b) VQ_LITE_COMPARE(a, ==, b, return )
#define ASSERT_TRUE(a) VQ_LITE_TRUTH(a, return )
#define EXPECT_NEAR(a, b, within) VQ_LITE_TRUTH(std::fabs((a) - (b)) <= (within), )
#define ADD_FAILURE() ::testing::Failure(__FILE__, __LINE__, "failed") = ::testing::Message()
#define FAIL() return ADD_FAILURE()
#define GTEST_SKIP() return ::testing::Skip() = ::testing::Message()
#define ASSERT_NO_THROW(statement) VQ_LITE_CHECK(::testing::thrown([&] { statement; }), return )
#define EXPECT_THROW(statement, type)                                    \
  do {                                                                   \
    bool vq_thrown = false;                                              \
    try {                                                                \
      statement;                                                         \
    } catch (const type&) {                                              \
      vq_thrown = true;                                                  \
    }                                                                    \
    if (!vq_thrown) ADD_FAILURE() << #statement " did not throw " #type; \
  } while (0)

#define VQ_LITE_CLASS(suite, name, base)      \
  class suite##_##name##_Test : public base { \
   public:                                    \
    void TestBody() override;                 \
  }
#define TEST(suite, name)                                                                                    \
  VQ_LITE_CLASS(suite, name, ::testing::Test);                                                               \
  [[maybe_unused]] static const bool suite##_##name##_added =                                                \
      ::testing::add_test(#suite "." #name, []() -> ::testing::Test* { return new suite##_##name##_Test; }); \
  void suite##_##name##_Test::TestBody()
#define TEST_P(suite, name)                                                                                            \
  VQ_LITE_CLASS(suite, name, suite);                                                                                   \
  [[maybe_unused]] static const bool suite##_##name##_added =                                                          \
      (::testing::parametrised()[#suite].emplace_back(#name,                                                           \
                                                      []() -> ::testing::Test* { return new suite##_##name##_Test; }), \
       true);                                                                                                          \
  void suite##_##name##_Test::TestBody()
#define INSTANTIATE_TEST_SUITE_P(prefix, suite, values, ...) \
  [[maybe_unused]] static const bool suite##_instances =     \
      ::testing::instantiate<suite>(#prefix, #suite, values, __VA_ARGS__)
