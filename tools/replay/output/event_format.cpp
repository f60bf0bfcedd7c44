#include "tools/replay/output/event_format.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <stdexcept>

#include "platform/json/utf8.hpp"
#include "schemas/replay/v1/event.pb.h"
#include "tools/replay/output/text.hpp"

namespace everfold::replay {
namespace {

class Ndjson final : public EventFormat {
 public:
  bool append(std::string& out, const LogId& log, const StoredEvent& event, const LogMark&,
              const std::string& json) override {
    bool decoded = true;
    if (json.empty())
      decoded = maker_.append(out, log, event);
    else
      out += json;
    out += '\n';
    return decoded;
  }

 private:
  EventJson maker_;
};

// RFC 4180, with LF.
class Csv final : public EventFormat {
 public:
  std::string header() const override {
    return "context,aggregateId,version,type,time,id,correlationId,causationId,actor,log,offset,data\n";
  }
  bool append(std::string& out, const LogId& log, const StoredEvent& event, const LogMark&,
              const std::string&) override {
    const EventMeta& meta = event.meta;
    for (const std::string& value :
         {meta.context, meta.aggregate_id, std::to_string(meta.version), meta.type, format_time(meta.time_ms), meta.id,
          meta.correlation_id, meta.causation_id, meta.actor, to_string(log), std::to_string(event.offset)}) {
      append_field(out, value);
      out += ',';
    }
    data_.clear();
    const bool decoded = maker_.append_data(data_, event);
    if (decoded) append_field(out, data_);
    out += '\n';
    return decoded;
  }

 private:
  static void append_field(std::string& out, std::string_view value) {
    if (value.find_first_of(",\"\r\n") == std::string_view::npos) {
      out += value;
      return;
    }
    out += '"';
    for (const char c : value) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }

  EventJson maker_;
  std::string data_;
};

class Table final : public EventFormat {
 public:
  explicit Table(std::size_t width) : width_(width) {}

  std::string header() const override {
    return row("TIME", "CONTEXT", "VERSION", "TYPE", "AGGREGATE", "ACTOR") + "  DATA\n";
  }
  bool append(std::string& out, const LogId&, const StoredEvent& event, const LogMark&, const std::string&) override {
    const EventMeta& meta = event.meta;
    std::string line = row(format_time(meta.time_ms), meta.context, std::to_string(meta.version), short_type(meta.type),
                           meta.aggregate_id, meta.actor.empty() ? "-" : meta.actor) +
                       "  ";
    const bool decoded = maker_.append_data(line, event);
    if (!decoded) line.replace(line.size() - 4, 4, "(cannot be decoded by this version)");
    out += width_ == 0 ? line : shortened(line, width_);
    out += '\n';
    return decoded;
  }

 private:
  // As wide as what this version writes; what is wider pushes the rest.
  static std::string row(std::string_view time, std::string_view context, std::string_view version,
                         std::string_view type, std::string_view aggregate, std::string_view actor) {
    return padded(time, 24) + "  " + padded(context, 9) + "  " + padded(version, 7) + "  " + padded(type, 26) + "  " +
           padded(aggregate, 32) + "  " + padded(actor, 28);
  }

  const std::size_t width_;
  EventJson maker_;
};

class Delimited final : public EventFormat {
 public:
  bool append(std::string& out, const LogId& log, const StoredEvent& event, const LogMark& mark,
              const std::string&) override {
    const EventMeta& meta = event.meta;
    message_.set_context(meta.context);
    message_.set_shard(log.shard);
    message_.set_offset(event.offset);
    message_.set_log_mark(to_string(mark));
    message_.set_id(meta.id);
    message_.set_type(meta.type);
    message_.set_aggregate_id(meta.aggregate_id);
    message_.set_version(meta.version);
    const int64_t rest_ms = (meta.time_ms % 1'000 + 1'000) % 1'000;
    message_.mutable_time()->set_seconds((meta.time_ms - rest_ms) / 1'000);
    message_.mutable_time()->set_nanos(static_cast<int32_t>(rest_ms * 1'000'000));
    message_.set_correlation_id(meta.correlation_id);
    message_.set_causation_id(meta.causation_id);
    message_.set_traceparent(meta.traceparent);
    message_.set_actor(meta.actor);
    message_.set_command_digest(event.digest);
    message_.set_event(event.bytes);
    google::protobuf::io::StringOutputStream stream(&out);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.WriteVarint32(static_cast<uint32_t>(message_.ByteSizeLong()));
    message_.SerializeWithCachedSizes(&coded);
    return true;  // as it lies there: nothing to decode
  }

 private:
  v1::RecordedEvent message_;
};

}  // namespace

std::unique_ptr<EventFormat> make_event_format(std::string_view name, std::size_t width) {
  if (name == "csv") return std::make_unique<Csv>();
  if (name == "table") return std::make_unique<Table>(width);
  if (name == "protobuf") return std::make_unique<Delimited>();
  return std::make_unique<Ndjson>();
}

}  // namespace everfold::replay
