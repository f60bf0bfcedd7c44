// HTTP load that does not wait for answers: requests go out when they are due, whatever became of those before, and a
// request's time runs from when it was due (otherwise a server that stalls would be asked less and look well). With
// --rate 0 it is a closed loop: each connection asks again when it has its answer.
//
// One thread, one epoll, HTTP/1.1 with kept connections. Every request of a body has an Idempotency-Key of its own. The
// figures are one JSON object on standard output; times are in ms.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <deque>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "bench/figures.hpp"
#include "platform/config/command_line.hpp"
#include "platform/process/program.hpp"

namespace everfold::bench {
namespace {

constexpr int64_t ns_per_ms = 1'000'000;
constexpr int64_t give_up_connecting_ns = 1'000 * ns_per_ms;  // nobody could be asked: the request is counted as unsent

struct Options {
  int64_t port = 0, rate = 0, seconds = 10, connections = 64, patience_ms = 10'000;
  std::string paths_file, method = "GET", body, token, key_prefix;
};

Options options_of(int argc, char** argv) {
  Options options;
  config::Options common;
  config::CommandLine line("bench-open-loop", "HTTP load at a rate, whatever the answers.", common);
  line.number("port", options.port, 1, 65'535, "Of the server, on 127.0.0.1");
  line.number("rate", options.rate, 0, 1'000'000, "Requests a second; 0: as fast as the connections are answered");
  line.number("seconds", options.seconds, 1, 86'400, "How long");
  line.number("connections", options.connections, 1, 20'000, "At most");
  line.number("patience-ms", options.patience_ms, 1, 600'000, "An answer that comes later is a timeout");
  line.text("paths-file", options.paths_file, "What to ask for in turn, one path a line");
  line.text("method", options.method, "GET or POST");
  line.text("body", options.body, "JSON, of a POST");
  line.text("token", options.token, "Bearer token");
  line.text("key-prefix", options.key_prefix, "Of the Idempotency-Keys");
  line.parse_or_exit(argc, argv);
  return options;
}

struct Figures {
  uint64_t due = 0;
  uint64_t sent = 0;      // begun to be
  uint64_t unsent = 0;    // no connection was to be had in time
  uint64_t timeouts = 0;  // asked, and no answer in time
  uint64_t cut_off = 0;   // asked, and the connection was closed without an answer
  uint64_t without_retry_after = 0, outcome_unknown = 0;
  std::map<int, uint64_t> statuses;
  std::vector<uint64_t> accepted_by_path;
  std::vector<int64_t> accepted_ns, refused_ns;
};

struct Answer {
  int status = 0;
  bool retry_after = false, close = false;
  std::string_view body;
  std::size_t size = 0;  // in bytes, with its head
};

int64_t number_in(std::string_view text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// The first answer in `bytes`; of status 0 when it is not all there. Our own server's: names as it writes them.
Answer answer_in(std::string_view bytes) {
  Answer answer;
  const std::size_t head_end = bytes.find("\r\n\r\n");
  if (head_end == bytes.npos) return answer;
  const std::string_view head = bytes.substr(0, head_end + 2);
  const auto value_of = [&](std::string_view name) {
    const std::size_t at = head.find(name);
    if (at == head.npos) return std::string_view();
    const std::size_t from = at + name.size();
    return head.substr(from, head.find("\r\n", from) - from);
  };
  const std::size_t length = static_cast<std::size_t>(number_in(value_of("\r\nContent-Length: ")));
  if (bytes.size() < head_end + 4 + length) return answer;
  answer.status = static_cast<int>(number_in(head.substr(9, 3)));
  answer.retry_after = !value_of("\r\nRetry-After: ").empty();
  answer.close = value_of("\r\nConnection: ") == "close";
  answer.body = bytes.substr(head_end + 4, length);
  answer.size = head_end + 4 + length;
  return answer;
}

class Load {
 public:
  explicit Load(Options options) : options_(std::move(options)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    std::ifstream paths(options_.paths_file);
    for (std::string path; std::getline(paths, path);) paths_.push_back(path);
    if (paths_.empty()) throw std::runtime_error("no paths in " + options_.paths_file);
    figures_.accepted_by_path.resize(paths_.size());
    connections_.resize(static_cast<std::size_t>(options_.connections));
    for (std::size_t i = connections_.size(); i-- > 0;) closed_.push_back(i);
    headers_ = " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + options_.token + "\r\n";
    if (!options_.body.empty())
      headers_ += "Content-Type: application/json\r\nContent-Length: " + std::to_string(options_.body.size()) + "\r\n";
  }

  Figures run() {
    const int64_t end = options_.seconds * 1'000 * ns_per_ms;
    const int64_t last = end + options_.patience_ms * ns_per_ms;
    while (now() < end || (open_ > 0 && now() < last)) {
      if (now() < end) make_due();
      send_due();
      wait();
      look_for_timeouts();
    }
    for (std::size_t at = 0; at < connections_.size(); ++at)
      if (connections_[at].busy) give_up(at, figures_.timeouts);
    return std::move(figures_);
  }

 private:
  struct Request {
    int64_t due_ns;
    std::size_t path;
    uint64_t number;
  };
  struct Connection {
    int socket = -1;
    bool busy = false;
    Request request{};
    std::string out, in;
  };

  int64_t now() const { return ns_since(start_); }

  void make_due() {
    if (options_.rate == 0) {
      while (waiting_.size() + open_ < connections_.size()) add_due(now());
      return;
    }
    const auto wanted = static_cast<uint64_t>(static_cast<double>(now()) / 1e9 * static_cast<double>(options_.rate));
    while (figures_.due < wanted)
      add_due(static_cast<int64_t>(static_cast<double>(figures_.due) / static_cast<double>(options_.rate) * 1e9));
  }

  void add_due(int64_t due_ns) {
    waiting_.push_back({due_ns, figures_.due % paths_.size(), figures_.due});
    ++figures_.due;
  }

  void send_due() {
    while (!waiting_.empty()) {
      if (now() - waiting_.front().due_ns > give_up_connecting_ns) {
        ++figures_.unsent;
      } else if (!idle_.empty()) {
        const std::size_t at = idle_.back();
        idle_.pop_back();
        ask(at, waiting_.front());
      } else if (!closed_.empty()) {
        const std::size_t at = closed_.back();
        closed_.pop_back();
        if (!connect(at)) return;
        ask(at, waiting_.front());
      } else {
        return;
      }
      waiting_.pop_front();
    }
  }

  bool connect(std::size_t at) {
    Connection& connection = connections_[at];
    connection.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection.socket < 0) throw std::runtime_error("no more sockets");
    const int on = 1;
    ::setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(options_.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(connection.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) {
      close(at);
      return false;
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u64 = at;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event);
    return true;
  }

  void ask(std::size_t at, const Request& request) {
    Connection& connection = connections_[at];
    connection.busy = true;
    connection.request = request;
    connection.in.clear();
    connection.out = options_.method + ' ' + paths_[request.path] + headers_;
    if (!options_.body.empty())
      connection.out += "Idempotency-Key: " + options_.key_prefix + '-' + std::to_string(request.number) + "\r\n";
    connection.out += "\r\n" + options_.body;
    ++open_;
    ++figures_.sent;
    flush(at);
  }

  void flush(std::size_t at) {
    Connection& connection = connections_[at];
    while (!connection.out.empty()) {
      const ssize_t put = ::send(connection.socket, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
      if (put < 0) {
        if (errno != EAGAIN && errno != ENOTCONN) lost(at);
        return;
      }
      connection.out.erase(0, static_cast<std::size_t>(put));
    }
  }

  void wait() {
    std::array<epoll_event, 512> events;
    const int count = ::epoll_wait(epoll_, events.data(), events.size(), 1);
    for (int i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64);
      if (connections_[at].socket < 0) continue;
      flush(at);
      if (connections_[at].socket >= 0) read(at);
    }
  }

  void read(std::size_t at) {
    Connection& connection = connections_[at];
    std::array<char, 64 << 10> bytes;
    for (;;) {
      const ssize_t got = ::recv(connection.socket, bytes.data(), bytes.size(), 0);
      if (got < 0 && (errno == EAGAIN || errno == ENOTCONN)) return;
      if (got <= 0) return lost(at);
      connection.in.append(bytes.data(), static_cast<std::size_t>(got));
      const Answer answer = answer_in(connection.in);
      if (answer.status == 0) continue;
      const bool close_it = answer.close || !connection.busy;
      if (connection.busy) count(connection, answer);
      if (close_it) return close(at);
      idle_.push_back(at);
      connection.in.clear();
    }
  }

  void count(Connection& connection, const Answer& answer) {
    connection.busy = false;
    --open_;
    const int64_t took = now() - connection.request.due_ns;
    ++figures_.statuses[answer.status];
    if (answer.status >= 200 && answer.status < 300) {
      ++figures_.accepted_by_path[connection.request.path];
      figures_.accepted_ns.push_back(took);
      return;
    }
    figures_.refused_ns.push_back(took);
    if (!answer.retry_after) ++figures_.without_retry_after;
    if (answer.body.find("same Idempotency-Key") != answer.body.npos) ++figures_.outcome_unknown;
  }

  // The server closed it, or was not there.
  void lost(std::size_t at) {
    if (connections_[at].busy) give_up(at, figures_.cut_off);
    else std::erase(idle_, at);
    close(at);
  }

  // What never left here is nobody's fault there.
  void give_up(std::size_t at, uint64_t& as) {
    ++(connections_[at].out.empty() ? as : figures_.unsent);
    --open_;
    connections_[at].busy = false;
  }

  void close(std::size_t at) {
    ::close(connections_[at].socket);
    connections_[at].socket = -1;
    closed_.push_back(at);
  }

  void look_for_timeouts() {
    if (now() < next_look_ns_) return;
    next_look_ns_ = now() + 100 * ns_per_ms;
    for (std::size_t at = 0; at < connections_.size(); ++at) {
      Connection& connection = connections_[at];
      if (!connection.busy || now() - connection.request.due_ns <= options_.patience_ms * ns_per_ms) continue;
      give_up(at, figures_.timeouts);
      close(at);
    }
  }

  const Options options_;
  const int epoll_;
  const Clock::time_point start_ = Clock::now();
  std::vector<std::string> paths_;
  std::string headers_;
  std::vector<Connection> connections_;
  std::vector<std::size_t> idle_, closed_;  // places of connections_
  std::deque<Request> waiting_;             // due, and no connection yet
  std::size_t open_ = 0;                    // requests without an answer
  int64_t next_look_ns_ = 0;
  Figures figures_;
};

std::string percentiles(std::vector<int64_t>& latencies_ns) {
  const auto max = std::ranges::max_element(latencies_ns);
  const double max_ms = max == latencies_ns.end() ? 0 : static_cast<double>(*max) / 1e6;
  return "{\"p50\": " + std::to_string(percentile_ms(latencies_ns, 0.5)) +
         ", \"p99\": " + std::to_string(percentile_ms(latencies_ns, 0.99)) + ", \"max\": " + std::to_string(max_ms) + "}";
}

void print(Figures figures) {
  std::cout << "{\"due\": " << figures.due << ", \"sent\": " << figures.sent << ", \"unsent\": " << figures.unsent
            << ", \"timeouts\": " << figures.timeouts << ", \"cutOff\": " << figures.cut_off
            << ", \"withoutRetryAfter\": " << figures.without_retry_after
            << ", \"outcomeUnknown\": " << figures.outcome_unknown << ", \"statuses\": {";
  const char* comma = "";
  for (const auto& [status, count] : figures.statuses)
    std::cout << std::exchange(comma, ", ") << '"' << status << "\": " << count;
  std::cout << "}, \"acceptedMs\": " << percentiles(figures.accepted_ns)
            << ", \"refusedMs\": " << percentiles(figures.refused_ns) << ", \"acceptedByPath\": [";
  comma = "";
  for (const uint64_t count : figures.accepted_by_path) std::cout << std::exchange(comma, ", ") << count;
  std::cout << "]}\n";
}

}  // namespace
}  // namespace everfold::bench

int main(int argc, char** argv) {
  using namespace everfold::bench;
  Options options = options_of(argc, argv);
  return run("bench-open-loop", [&] {
    everfold::process::raise_descriptor_limit();
    print(Load(std::move(options)).run());
  });
}
