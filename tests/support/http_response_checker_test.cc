#include "tests/support/http_response_checker.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace jemalloc_exporter {
namespace {

std::string FaultOf(const std::string& bytes, bool may_be_head = false) {
  try {
    ReadAnswers(bytes, may_be_head);
  } catch (const std::invalid_argument& fault) {
    return fault.what();
  }
  return "none";
}

const std::string kDate = "Date: -\r\n";
const std::string kHead =
    "HTTP/1.1 200 OK\r\n" + kDate + "Content-Type: text/plain\r\n";
const std::string kAnswer = kHead + "Content-Length: 3\r\n\r\nabc";

TEST(StrictAnswers, AreReadOneAfterTheOther) {
  EXPECT_TRUE(ReadAnswers("", false).empty());
  const auto answers = ReadAnswers(
      kAnswer + "HTTP/1.1 404 Not Found\r\n" + kDate +
          "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
          "X-Content-Type-Options: nosniff\r\nContent-Length: 0\r\n\r\n",
      false);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].status, 200);
  EXPECT_EQ(answers[0].body, "abc");
  EXPECT_EQ(answers[0].headers, (Headers{{"Date", "-"},
                                         {"Content-Type", "text/plain"},
                                         {"Content-Length", "3"}}));
  EXPECT_EQ(answers[1].status, 404);
  EXPECT_EQ(answers[1].body, "");
}

TEST(StrictAnswers, GoWithoutABodyOnlyToAHead) {
  const std::string head = kHead + "Content-Length: 3\r\n\r\n";
  for (const std::string& bytes : {head, head + kAnswer, kAnswer + head}) {
    EXPECT_EQ(FaultOf(bytes, true), "none");
    EXPECT_NE(FaultOf(bytes), "none");
  }
}

TEST(StrictAnswers, HaveTheLengthOfTheirHeader) {
  for (const std::string length : {"0", "2", "4", "-3", "+3", "3x", "3, 3"}) {
    EXPECT_NE(FaultOf(kHead + "Content-Length: " + length + "\r\n\r\nabc"),
              "none")
        << length;
  }
  EXPECT_NE(FaultOf(kHead + "\r\nabc"), "none");
}

TEST(StrictAnswers, HaveAStatusAndHeadersInGoodOrder) {
  EXPECT_EQ(FaultOf(kAnswer), "none");
  const auto with = [](const std::string& old, const std::string& replacement) {
    std::string answer = kAnswer;
    return answer.replace(answer.find(old), old.size(), replacement);
  };
  for (const auto& [old, replacement] :
       {std::pair{"HTTP/1.1", "HTTP/1.0"},
        {"HTTP/1.1 ", "HTTP/1.1"},
        {"200", "20"},
        {"200", "2000"},
        {"200", "abc"},
        {" OK", ""},
        {"OK", "O\nK"},
        {"OK\r\n", "OK\n"},
        {"Date: -\r\n", ""},
        {"Date: -", "Date:-"},
        {"Date: -", "Date: "},
        {"Date: -", "Date: \t"},
        {"Date: -", "Date: \xC3\xA9"},
        {"Date", ""},
        {"Date", "Date "},
        {"Date: -", "Date: -\r\nDate: -"},
        {"Date: -\r\n", "Date: -\n"},
        {"\r\n\r\n", "\r\n"},
        {"Content-Type: text/plain\r\n", ""}}) {
    EXPECT_NE(FaultOf(with(old, replacement)), "none") << replacement;
  }
}

TEST(StrictAnswers, EndWhereTheConnectionIsClosed) {
  const std::string last =
      kHead + "Connection: close\r\nContent-Length: 0\r\n\r\n";
  EXPECT_EQ(FaultOf(kAnswer + last), "none");
  EXPECT_NE(FaultOf(last + kAnswer), "none");
  EXPECT_NE(FaultOf(last + "\r\n"), "none");
}

TEST(StrictAnswers, ArePlainTextForErrors) {
  const auto error = [](const std::string& headers) {
    return "HTTP/1.1 500 Internal Server Error\r\n" + kDate + headers +
           "Content-Length: 1\r\n\r\nx";
  };
  const std::string type = "Content-Type: text/plain; charset=utf-8\r\n";
  const std::string no_sniffing = "X-Content-Type-Options: nosniff\r\n";
  EXPECT_EQ(FaultOf(error(type + no_sniffing)), "none");
  EXPECT_NE(FaultOf(error(type)), "none");
  EXPECT_NE(FaultOf(error("Content-Type: text/html\r\n" + no_sniffing)),
            "none");
}

}  // namespace
}  // namespace jemalloc_exporter
