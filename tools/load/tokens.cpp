#include "tools/load/tokens.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>
#include <utility>

#include "kernel/check.hpp"

namespace everfold::load {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::hours token_life{2};
constexpr std::chrono::hours token_renewal{1};

std::string base64url(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const auto length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(length));
  out.erase(out.find_last_not_of('=') + 1);
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

std::string hmac_sha256(const std::string& key, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  const auto* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &length);
  check(done != nullptr, "OpenSSL can't make an HMAC");
  return {reinterpret_cast<const char*>(digest.data()), length};
}

struct Ran {
  int exit_code = 0;
  std::string output;
};

Decided<Ran> run(std::vector<std::string> words) {
  const auto failed = [&](const std::string& what, int error) {
    return reject(Code::unavailable, what + " " + words.front() + ": " + std::strerror(error));
  };
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return failed("no pipe for", errno);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int spawned = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  Ran ran;
  if (spawned == 0) {
    std::array<char, 4096> buffer{};
    ssize_t got = 0;
    while ((got = read(ends[0], buffer.data(), buffer.size())) > 0 || (got < 0 && errno == EINTR)) {
      if (got > 0) ran.output.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  close(ends[0]);
  if (spawned != 0) return failed("can't run", spawned);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return failed("can't wait for", errno);
  }
  ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return ran;
}

std::string last_line(std::string text) {
  text.erase(text.find_last_not_of(" \r\n\t") + 1);
  const auto before = text.find_last_of("\r\n");
  return before == std::string::npos ? text : text.substr(before + 1);
}

}  // namespace

std::string sign_token(const std::string& secret, const std::string& role, const std::string& subject,
                       std::chrono::sys_seconds now) {
  const Json header{{"alg", "HS256"}, {"typ", "JWT"}};
  const Json claims{{"sub", subject},
                    {"email", subject + "@example.com"},
                    {"name", subject},
                    {"roles", Json::array({role})},
                    {"permissions", Json::array()},
                    {"iat", now.time_since_epoch().count()},
                    {"exp", (now + token_life).time_since_epoch().count()},
                    {"iss", "ecommerce-auth"},
                    {"aud", "ecommerce-services"}};
  const auto text = base64url(header.dump()) + "." + base64url(claims.dump());
  return text + "." + base64url(hmac_sha256(secret, text));
}

Decided<TokenMaker> signing_with_file(const std::string& path) {
  std::ifstream file(path);
  std::string secret;
  if (!file) return reject(Code::not_found, "can't read the token secret " + path + ": ./dev up makes it");
  if (!(file >> secret)) return reject(Code::validation_failed, "the token secret " + path + " is empty");
  return TokenMaker([secret](const std::string& role, const std::string& subject) -> Decided<std::string> {
    return sign_token(secret, role, subject,
                      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  });
}

TokenMaker asking_command(const std::string& command) {
  std::istringstream text(command);
  std::vector<std::string> words;
  for (std::string word; text >> word;) words.push_back(word);
  return [words](const std::string& role, const std::string& subject) -> Decided<std::string> {
    if (words.empty()) return reject(Code::validation_failed, "the token command is empty");
    auto all = words;
    all.insert(all.end(), {"--role", role, "--sub", subject});
    auto ran = run(std::move(all));
    if (!ran) return ran.error();
    auto token = last_line(ran.value().output);
    if (ran.value().exit_code != 0 || token.empty()) {
      return reject(Code::unauthenticated,
                    "the token command printed no token (exit " + std::to_string(ran.value().exit_code) + ")");
    }
    return token;
  };
}

Decided<std::string> Tokens::get(const std::string& role, const std::string& subject) {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  auto& made = made_[{role, subject}];
  if (made.token.empty() || now - made.at > token_renewal) {
    auto token = make_(role, subject);
    if (!token) return token.error();
    made = {std::move(token).value(), now};
  }
  return made.token;
}

}  // namespace everfold::load
