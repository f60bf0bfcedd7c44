// A server with one handler for each way to answer, on a free port.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "platform/http/server.hpp"

namespace everfold::http::test {

// Answers on a thread of its own, each after the time that was asked for.
class LateAnswers {
 public:
  LateAnswers();
  ~LateAnswers();
  void add(std::chrono::milliseconds after, Responder responder, Response response);

 private:
  void run();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<std::chrono::steady_clock::time_point, std::pair<Responder, Response>> due_;
  bool stopping_ = false;
  std::thread thread_;
};

class LiveServer {
 public:
  explicit LiveServer(ServerOptions options = {});
  ~LiveServer();
  std::uint16_t port() const { return server_->port(); }
  Server& server() { return *server_; }

  // Requests of GET /held/{name} wait here to be answered by the test.
  bool wait_for_held(const std::string& name);
  void answer_held(const std::string& name, Response response);
  std::vector<std::string> errors() const;
  int large_answers() const { return large_answers_; }  // to GET /large, 4 MB each

 private:
  Router routes();

  LateAnswers late_;
  mutable std::mutex mutex_;
  std::map<std::string, Responder> held_;
  std::vector<std::string> errors_;
  std::atomic<int> large_answers_ = 0;
  std::unique_ptr<Server> server_;
};

}  // namespace everfold::http::test
