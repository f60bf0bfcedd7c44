// The writer's and the projector's way to the simulated logs.
#pragma once

#include <deque>

#include "tests/simulator/kafka.hpp"

namespace everfold::simulator {

class SimLogSource final : public LogSource {
 public:
  SimLogSource(Process& process, Kafka& kafka, Topic topic = Topic::events) : process_(process), kafka_(kafka), topic_(topic) {}

  void assign(std::vector<std::pair<LogId, int64_t>> logs) override;
  std::size_t poll(int timeout_ms, const Sink& sink) override;
  int64_t end_offset(const LogId& log, int timeout_ms) override;
  std::vector<WantedPosition> end_positions(int timeout_ms) override;
  void wake() override {}

  // The client library's own thread: a fetch.
  void fetch();
  bool at_end() const;

 private:
  struct Place {
    Partition* partition;
    int64_t next;
    int64_t known_end = -1;  // as the last fetch said
  };
  struct Fetched {
    std::size_t place;
    int64_t offset;
    RecordPtr record;
  };

  Process& process_;
  Kafka& kafka_;
  const Topic topic_;
  std::vector<Place> places_;
  std::deque<Fetched> fetched_;
};

class SimLogAppender final : public LogAppender {
 public:
  SimLogAppender(Process& process, Kafka& kafka, Topic topic = Topic::events)
      : process_(process), kafka_(kafka), topic_(topic), session_(kafka.open_session(process)) {}
  ~SimLogAppender() override { kafka_.give_up(session_); }

  void append(const LogId& log, OutgoingRecord record) override {
    if (process_.touch()) kafka_.produce(session_, kafka_.at(topic_, log), std::move(record));
  }
  bool in_doubt() override { return kafka_.in_doubt(session_); }
  void new_session() override {
    if (!process_.touch()) return;
    kafka_.give_up(session_);
    session_ = kafka_.open_session(process_);
  }
  std::size_t in_flight() const override { return kafka_.in_flight(session_); }

  void doubt() { kafka_.doubt(session_); }

 private:
  Process& process_;
  Kafka& kafka_;
  const Topic topic_;
  int session_;
};

}  // namespace everfold::simulator
