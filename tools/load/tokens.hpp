// The tokens that the load shows: one for the staff that stocks the shop, one for each customer. Any thread may ask.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "kernel/rejection.hpp"

namespace everfold::load {

// Makes the token of (role, subject).
using TokenMaker = std::function<Decided<std::string>(const std::string& role, const std::string& subject)>;

// A JSON Web Token, HS256, with the claims of the contract, valid from `now` for two hours. Pure.
std::string sign_token(const std::string& secret, const std::string& role, const std::string& subject,
                       std::chrono::sys_seconds now);

// Signs with the first word of the file. Refused: the file can't be read or is empty.
Decided<TokenMaker> signing_with_file(const std::string& path);

// Runs `command --role ROLE --sub SUBJECT` (no shell: words are split at spaces) and takes the last line that it
// prints.
TokenMaker asking_command(const std::string& command);

class Tokens {
 public:
  explicit Tokens(TokenMaker make) : make_(std::move(make)) {}
  // Made anew after an hour, so that slow loads outlive their tokens.
  Decided<std::string> get(const std::string& role, const std::string& subject);

 private:
  struct Made {
    std::string token;
    std::chrono::steady_clock::time_point at;
  };
  TokenMaker make_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Made> made_;
};

}  // namespace everfold::load
