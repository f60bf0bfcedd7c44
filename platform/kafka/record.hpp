// Private to platform/kafka: between librdkafka's messages and our records.
#pragma once

#include <string_view>
#include <vector>

#include "platform/kafka/handle.hpp"
#include "runtime/log/event_log.hpp"

namespace everfold::kafka {

// librdkafka may go on behind such a record, as if it had not been there.
inline bool unreadable(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__BAD_MSG || error == RD_KAFKA_RESP_ERR__BAD_COMPRESSION ||
         error == RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED || error == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
}

// Valid as long as the message and `headers` (scratch space, reused) are.
inline RecordView view_of(const rd_kafka_message_t& message, std::vector<HeaderView>& headers) {
  headers.clear();
  rd_kafka_headers_t* list = nullptr;
  if (rd_kafka_message_headers(&message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0; rd_kafka_header_get_all(list, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
      headers.emplace_back(name, std::string_view(static_cast<const char*>(value), value ? size : 0));
  }
  return {message.offset,
          std::string_view(static_cast<const char*>(message.key), message.key ? message.key_len : 0),
          std::string_view(static_cast<const char*>(message.payload), message.payload ? message.len : 0), headers};
}

// Puts the record into the producer's queue, copied. `tombstones`: no value means none, not an empty one.
inline rd_kafka_resp_err_t produce(rd_kafka_t* producer, const char* topic, int partition, const OutgoingRecord& record,
                                   void* opaque, bool tombstones = false) {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(record.headers.size());
  for (const auto& [name, value] : record.headers)
    rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  const bool no_value = tombstones && record.value.empty();
  const rd_kafka_resp_err_t error = rd_kafka_producev(
      producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_KEY(record.key.data(), record.key.size()),
      RD_KAFKA_V_VALUE(no_value ? nullptr : const_cast<char*>(record.value.data()), record.value.size()), RD_KAFKA_V_HEADERS(headers),
      RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_headers_destroy(headers);  // otherwise the producer's
  return error;
}

}  // namespace everfold::kafka
