#include "jemalloc_exporter/heap_sidecar.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "jemalloc_exporter/heap_format.h"

namespace jemalloc_exporter {
namespace {

using Json = nlohmann::ordered_json;

Json StateJson(const HeapState& state) {
  Json json;
  for (const HeapField& field : kHeapFields) {
    if (const auto& value = state.*field.value) {
      json[std::string(field.key)] = *value;
    }
  }
  return json;
}

std::string RecordJson(const HeapRecord& record) {
  Json json{{"name", record.name}, {"result", record.result}};
  if (record.duration_seconds) {
    json["duration_seconds"] = *record.duration_seconds;
  }
  for (const HeapRecordField& field : kHeapRecordFields) {
    if (const auto& value = record.*field.value) {
      json[std::string(field.key)] = *value;
    }
  }
  if (record.before != HeapState{}) {
    json["heap_state"]["before"] = StateJson(record.before);
  }
  if (record.after != HeapState{}) {
    json["heap_state"]["after"] = StateJson(record.after);
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Each Read function says what is wrong with `json`, beginning with the place;
// nothing if it was read.
using Fault = std::optional<std::string>;

Fault Wrong(const std::string& place, const char* expected, const Json& json) {
  return place + ": expected " + expected + ", found " +
         (json.is_number() ? json.dump() : json.type_name());
}

bool IsInt64(const Json& json) {
  if (!json.is_number_unsigned()) return json.is_number_integer();
  return std::in_range<std::int64_t>(json.get<std::uint64_t>());
}

Fault ReadState(const std::string& place, const Json& json, HeapState& state) {
  if (!json.is_object()) return Wrong(place, "an object", json);
  std::string why;
  const auto read = FromJson(json.dump(), &why);
  if (!read) return place + "." + why;
  state = *read;
  return std::nullopt;
}

Fault ReadStates(const std::string& place, const Json& json,
                 HeapRecord& record) {
  if (!json.is_object()) return Wrong(place, "an object", json);
  const std::pair<const char*, HeapState&> states[] = {
      {"before", record.before}, {"after", record.after}};
  for (const auto& [key, state] : states) {
    const auto value = json.find(key);
    if (value == json.end()) continue;
    if (Fault fault = ReadState(place + "." + key, *value, state)) return fault;
  }
  return std::nullopt;
}

Fault ReadRecord(const std::string& place, const Json& json,
                 HeapRecord& record) {
  if (!json.is_object()) return Wrong(place, "an object", json);
  const std::pair<const char*, std::string&> texts[] = {
      {"name", record.name}, {"result", record.result}};
  for (const auto& [key, text] : texts) {
    const auto value = json.find(key);
    if (value == json.end()) continue;
    if (!value->is_string())
      return Wrong(place + "." + key, "a string", *value);
    text = value->get<std::string>();
  }
  if (const auto value = json.find("duration_seconds"); value != json.end()) {
    if (!value->is_number()) {
      return Wrong(place + ".duration_seconds", "a number", *value);
    }
    record.duration_seconds = value->get<double>();
  }
  for (const HeapRecordField& field : kHeapRecordFields) {
    const auto value = json.find(std::string(field.key));
    if (value == json.end()) continue;
    if (!IsInt64(*value)) {
      return Wrong(place + "." + std::string(field.key),
                   "an integer of 64 bits", *value);
    }
    record.*field.value = value->get<std::int64_t>();
  }
  if (const auto value = json.find("heap_state"); value != json.end()) {
    return ReadStates(place + ".heap_state", *value, record);
  }
  return std::nullopt;
}

Fault ReadSidecar(const Json& json, HeapSidecar& sidecar) {
  const auto run = json.find("run");
  if (run == json.end()) return "run: missing: not a sidecar";
  if (Fault fault = ReadRecord("run", *run, sidecar.run)) return fault;
  if (const auto value = json.find("tests_forgotten"); value != json.end()) {
    if (!value->is_number_unsigned()) {
      return Wrong("tests_forgotten", "an integer of at least 0", *value);
    }
    sidecar.tests_forgotten = value->get<std::uint64_t>();
  }
  const auto tests = json.find("tests");
  if (tests == json.end()) return std::nullopt;
  if (!tests->is_array()) return Wrong("tests", "an array", *tests);
  for (const Json& test : *tests) {
    const std::string place =
        "tests[" + std::to_string(sidecar.tests.size()) + "]";
    HeapRecord& record = sidecar.tests.emplace_back();
    if (Fault fault = ReadRecord(place, test, record)) return fault;
  }
  return std::nullopt;
}

}  // namespace

std::string ToJson(const HeapSidecar& sidecar) {
  std::string json =
      "{\"run\":" + RecordJson(sidecar.run) +
      ",\n\"tests_forgotten\":" + std::to_string(sidecar.tests_forgotten) +
      ",\n\"tests\":[";
  const char* separator = "\n";
  for (const HeapRecord& test : sidecar.tests) {
    json.append(std::exchange(separator, ",\n")).append(RecordJson(test));
  }
  return json + "\n]}\n";
}

bool IsSidecar(std::string_view json) {
  const Json document = Json::parse(json, nullptr, false);
  return document.is_object() && document.contains("run");
}

std::optional<HeapSidecar> SidecarFromJson(std::string_view json,
                                           std::string* error) {
  // A sidecar is a snapshot whose every key is unknown; what is wrong with its
  // syntax is for the snapshot's reader to say.
  if (!FromJson(json, error)) return std::nullopt;
  HeapSidecar sidecar;
  if (Fault fault = ReadSidecar(Json::parse(json, nullptr, false), sidecar)) {
    if (error != nullptr) *error = *std::move(fault);
    return std::nullopt;
  }
  return sidecar;
}

}  // namespace jemalloc_exporter
