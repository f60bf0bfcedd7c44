// Connections over time: pipelining, slow and vanishing clients, limits, shutting down.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/http/live_server.hpp"
#include "tests/http/raw_client.hpp"

namespace everfold::http::test {
namespace {

using std::chrono::milliseconds;

const std::string get_hello = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";

std::string get(const std::string& target) { return "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"; }

ServerOptions one_thread() {
  ServerOptions options;
  options.threads = 1;
  return options;
}

TEST(HttpPipelining, AHundredRequestsInOneWriteAreAnsweredInOrder) {
  LiveServer server;
  RawClient client(server.port());
  std::string requests;
  // Some are answered at once, the others by another thread and the later the earlier they were asked.
  for (int i = 0; i < 100; ++i) {
    requests += get(i % 3 == 0 ? "/items/" + std::to_string(i)
                               : "/late/" + std::to_string((100 - i) / 10) + "?n=" + std::to_string(i));
  }
  client.send(requests);
  for (int i = 0; i < 100; ++i) {
    const auto reply = client.read();
    ASSERT_TRUE(reply) << i;
    ASSERT_EQ(reply->status, 200) << reply->body;
    const auto body = reply->json();
    EXPECT_EQ(i % 3 == 0 ? body["params"]["id"] : body["query"][0][1], std::to_string(i));
  }
}

TEST(HttpPipelining, ManyConnectionsDoNotMixTheirAnswers) {
  LiveServer server;
  std::vector<std::thread> clients;
  for (int c = 0; c < 16; ++c) {
    clients.emplace_back([&, c] {
      RawClient client(server.port());
      for (int i = 0; i < 200; ++i) {
        const auto mine = std::to_string(c) + "-" + std::to_string(i);
        const auto body = client.ask(get((i % 2 ? "/late/0?n=" : "/items/x?n=") + mine)).json();
        ASSERT_EQ(body["query"][0][1], mine);
      }
    });
  }
  for (auto& client : clients) client.join();
}

TEST(HttpPipelining, WhatFollowsABadRequestIsNotRead) {
  LiveServer server;
  RawClient client(server.port());
  client.send(get_hello + "GET / HTTP/1.1\r\n\r\n" + get_hello);
  const auto replies = client.read_all();
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[0].status, 200);
  expect_error(replies[1], 400);
}

TEST(HttpPipelining, AClientThatDoesNotReadIsNotReadFrom) {
  LiveServer server(one_thread());
  RawClient greedy(server.port());
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += get("/large");
  greedy.send(requests);  // 80 MB of answers that would have to be kept
  ASSERT_TRUE(eventually([&] { return server.large_answers() > 0; }));
  EXPECT_EQ(RawClient(server.port()).ask(get_hello).status, 200);  // the I/O thread is done with the other one for now
  EXPECT_LE(server.large_answers(), 5);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(greedy.read()->body.size(), 4u << 20);
}

TEST(HttpSlowClients, ByteByByteIsFine) {
  LiveServer server;
  RawClient client(server.port());
  for (const std::string& request :
       {get_hello,
        std::string("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"),
        std::string(
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")}) {
    for (char byte : request) ASSERT_TRUE(client.send({&byte, 1}));
    EXPECT_EQ(client.read()->status, 200);
  }
}

TEST(HttpSlowClients, ARequestThatTakesTooLongIsRefused) {
  ServerOptions options;
  options.request_timeout_ms = milliseconds(200);
  LiveServer server(options);
  for (const std::string part :
       {"G", "GET /hel", "GET /hello HTTP/1.1\r\nHost: x\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"}) {
    RawClient client(server.port());
    client.send(get_hello + part);
    const auto replies = client.read_all();
    ASSERT_EQ(replies.size(), 2u) << part;
    EXPECT_EQ(replies[0].status, 200);
    expect_error(replies[1], 408);
    EXPECT_EQ(replies[1].header("connection"), "close");
  }
}

TEST(HttpSlowClients, TheTimeRunsFromTheFirstByteNotTheLast) {
  ServerOptions options;
  options.request_timeout_ms = milliseconds(300);
  LiveServer server(options);
  RawClient client(server.port());
  std::atomic<bool> answered = false;
  std::thread dripping([&] {
    client.send("GET /hello HTTP/1.1\r\nX: ");
    // One byte now and then, for ever, unless the server says no.
    eventually([&] { return answered || !client.send("x"); });
  });
  const auto reply = client.read();
  answered = true;
  dripping.join();
  ASSERT_TRUE(reply);
  expect_error(*reply, 408);
}

TEST(HttpSlowClients, IdleConnectionsAreClosedAndBusyOnesAreNot) {
  ServerOptions options;
  options.idle_timeout_ms = milliseconds(300);
  LiveServer server(options);
  RawClient idle(server.port());
  RawClient used(server.port());
  RawClient waiting(server.port());
  EXPECT_EQ(used.ask(get_hello).status, 200);
  waiting.send(get("/late/1200"));
  EXPECT_TRUE(idle.at_end());
  EXPECT_TRUE(used.at_end());
  EXPECT_EQ(waiting.read()->status, 200);
}

TEST(HttpVanishingClients, AHalfClosedClientGetsItsAnswers) {
  LiveServer server;
  RawClient client(server.port());
  client.send(get("/late/50?n=1") + get("/late/50?n=2") + get_hello);
  client.finish_sending();
  EXPECT_EQ(client.read_all().size(), 3u);
}

TEST(HttpVanishingClients, ATruncatedRequestIsRefusedWhenItsClientStillListens) {
  LiveServer server;
  for (const std::string part :
       {"GET", "GET /hello HTTP/1.1\r\nHo", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"}) {
    RawClient client(server.port());
    client.send(part);
    client.finish_sending();
    const auto replies = client.read_all();
    ASSERT_EQ(replies.size(), 1u) << part;
    expect_error(replies[0], 400);
  }
  RawClient silent(server.port());
  silent.finish_sending();
  EXPECT_TRUE(silent.at_end());
}

// The descriptors of both sides are given up and taken again: only then does the test mean what it says.
TEST(HttpVanishingClients, AnAnswerNeverReachesWhoeverGotTheDescriptorNext) {
  LiveServer server(one_thread());
  const auto before = descriptors();
  auto first = std::make_unique<RawClient>(server.port());
  first->send(get("/held/first"));
  ASSERT_TRUE(server.wait_for_held("first"));
  const auto during_first = descriptors();
  first->reset();
  ASSERT_TRUE(eventually([&] { return descriptors() == before; })) << "the server keeps a dead connection";

  RawClient second(server.port());
  second.send(get("/held/second"));
  ASSERT_TRUE(server.wait_for_held("second"));
  ASSERT_EQ(descriptors(), during_first) << "the descriptor was not used again";

  server.answer_held("first", {200, {}, R"("the first one's secret")"});
  server.answer_held("second", {200, {}, R"("the second one's answer")"});
  EXPECT_EQ(second.read()->body, R"("the second one's answer")");
  EXPECT_EQ(second.ask(get_hello).body, R"({"hello":"world"})");
}

TEST(HttpVanishingClients, ThousandsOfShortConnectionsLeaveNothingOpen) {
  LiveServer server;
  const auto before = open_descriptors();
  for (int i = 0; i < 4'000; ++i) {
    RawClient client(server.port());
    switch (i % 6) {
      case 0:
        EXPECT_EQ(client.ask(get_hello).status, 200);
        break;
      case 1:
        client.send("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        EXPECT_EQ(client.read_all().size(), 1u);
        break;
      case 2:
        client.send("GET /hel");
        break;
      case 3:
        client.send(get("/late/1"));
        break;
      case 4:
        client.send("garbage\r\n");
        break;
      default:
        client.send(get_hello);
        client.reset();
    }
  }
  EXPECT_TRUE(eventually([&] { return open_descriptors() == before; }))
      << open_descriptors() << " instead of " << before;
}

TEST(HttpLimits, TooManyConnectionsAreToldSo) {
  ServerOptions options;
  options.max_connections = 2;
  LiveServer server(options);
  RawClient first(server.port());
  auto second = std::make_unique<RawClient>(server.port());
  EXPECT_EQ(first.ask(get_hello).status, 200);
  EXPECT_EQ(second->ask(get_hello).status, 200);
  RawClient third(server.port());
  third.send(get_hello);
  const auto replies = third.read_all();
  ASSERT_EQ(replies.size(), 1u);
  expect_error(replies[0], 503);
  EXPECT_NE(replies[0].header("retry-after"), "");
  for (int i = 0; i < 200; ++i) {
    RawClient refused(server.port());
    const auto reply = refused.read();
    ASSERT_TRUE(reply) << i;
    ASSERT_EQ(reply->status, 503) << i;
  }
  EXPECT_EQ(first.ask(get_hello).status, 200);

  second.reset();
  EXPECT_TRUE(eventually([&] {
    RawClient next(server.port());
    next.send(get_hello);
    return next.read()->status == 200;
  }));
}

TEST(HttpLimits, TooManyRequestsAreRefusedAtOnceAndTheirConnectionsStay) {
  auto options = one_thread();
  options.max_requests = 2;
  LiveServer server(std::move(options));
  RawClient first(server.port()), second(server.port()), third(server.port());
  first.send(get("/held/first"));
  second.send(get("/held/second"));
  ASSERT_TRUE(server.wait_for_held("first") && server.wait_for_held("second"));
  const auto refused = third.ask(get("/held/third"));
  expect_error(refused, 503);
  EXPECT_NE(refused.header("retry-after"), "");
  EXPECT_EQ(third.ask(get_hello).status, 200) << "it is alive, and says so";
  EXPECT_EQ(third.ask(get("/uncounted")).status, 200) << "another node has taken it already";
  EXPECT_EQ(server.server().requests_refused(), 1u);
  server.answer_held("first", {});
  EXPECT_EQ(first.read()->status, 200);
  third.send(get("/held/third"));
  ASSERT_TRUE(server.wait_for_held("third"));
  server.answer_held("second", {});
  server.answer_held("third", {});
  EXPECT_EQ(third.read()->status, 200);
}

TEST(HttpLimits, WhoWentAwayCountsUntilHisAnswerIsThere) {
  auto options = one_thread();
  options.max_requests = 1;
  LiveServer server(std::move(options));
  {
    RawClient gone(server.port());
    gone.send(get("/held/gone"));
    ASSERT_TRUE(server.wait_for_held("gone"));
  }
  RawClient client(server.port());
  EXPECT_EQ(client.ask(get("/late/0")).status, 503) << "somebody is still at work for him";
  server.answer_held("gone", {});
  EXPECT_EQ(client.ask(get("/late/0")).status, 200);
}

TEST(HttpStart, ATakenPortIsAClearError) {
  LiveServer server;
  ServerOptions options;
  options.port = server.port();
  Server other(options, Router());
  try {
    other.start();
    FAIL() << "started on a taken port";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("cannot listen on 127.0.0.1:" + std::to_string(server.port())));
    EXPECT_THAT(error.what(), testing::HasSubstr("in use"));
  }
}

TEST(HttpStart, APortThatWasJustLeftCanBeTaken) {
  auto server = std::make_unique<LiveServer>();
  ServerOptions options;
  options.port = server->port();
  RawClient client(server->port());
  EXPECT_EQ(client.ask(get_hello).status, 200);
  server.reset();  // closes first, so that its side waits in TIME_WAIT
  LiveServer again(options);
  EXPECT_EQ(RawClient(again.port()).ask(get_hello).status, 200);
}

TEST(HttpStop, WaitsForWhatIsBeingAnswered) {
  LiveServer server;
  RawClient idle(server.port());
  EXPECT_EQ(idle.ask(get_hello).status, 200);
  RawClient busy(server.port());
  busy.send(get("/held/last"));
  ASSERT_TRUE(server.wait_for_held("last"));
  std::atomic<bool> stopped = false;
  std::thread stopping([&] {
    server.server().stop(milliseconds(10'000));
    stopped = true;
  });
  EXPECT_TRUE(idle.at_end());
  EXPECT_FALSE(stopped);
  server.answer_held("last", {200, {}, "{}"});
  const auto reply = busy.read();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->header("connection"), "close");
  EXPECT_TRUE(busy.at_end());
  stopping.join();
}

TEST(HttpStop, WhoHasJustConnectedIsAnsweredWhoNeverAsksIsNotWaitedFor) {
  LiveServer server;
  RawClient used(server.port()), about_to_ask(server.port()), silent(server.port());
  EXPECT_EQ(used.ask(get_hello).status, 200);  // so the others, who came before it asked, are in too
  std::thread stopping([&] { server.server().stop(milliseconds(10'000)); });
  EXPECT_TRUE(used.at_end());
  const auto reply = about_to_ask.ask(get_hello);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_TRUE(silent.at_end());
  stopping.join();
}

TEST(HttpStop, DoesNotWaitForEver) {
  LiveServer server;
  RawClient busy(server.port());
  busy.send(get("/held/never"));
  ASSERT_TRUE(server.wait_for_held("never"));
  server.server().stop(milliseconds(100));
  EXPECT_TRUE(busy.at_end());
  server.answer_held("never", {200, {}, "{}"});  // nobody is there, and nothing breaks
}

}  // namespace
}  // namespace everfold::http::test
