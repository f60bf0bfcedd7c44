// What may become of a schema that was published, one change at a time.
#include "tools/schemas/published.hpp"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>

#include "kernel/check.hpp"
#include "tests/messages.hpp"

namespace everfold::schemas {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptorProto;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// message Money { int64 amount = 1; }
// message ToySold {
//   enum How { UNSPECIFIED = 0; CASH = 1; CARD = 2; }
//   string name = 1;
//   optional string buyer = 2;
//   repeated string parts = 3;
//   Money price = 4;
//   How how = 5;
//   map<string, int64> counts = 6;
//   oneof given { bool wrapped = 7; string card = 8; }
// }
const FileDescriptorProto sold = everfold::testing::make<FileDescriptorProto>(R"(
  name: "toys/v1/events.proto" package: "everfold.toys.v1" syntax: "proto3"
  message_type { name: "Money" field { name: "amount" number: 1 type: TYPE_INT64 label: LABEL_OPTIONAL } }
  message_type {
    name: "ToySold"
    field { name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "buyer" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL proto3_optional: true oneof_index: 1 }
    field { name: "parts" number: 3 type: TYPE_STRING label: LABEL_REPEATED }
    field { name: "price" number: 4 type: TYPE_MESSAGE type_name: ".everfold.toys.v1.Money" label: LABEL_OPTIONAL }
    field { name: "how" number: 5 type: TYPE_ENUM type_name: ".everfold.toys.v1.ToySold.How" label: LABEL_OPTIONAL }
    field { name: "counts" number: 6 type: TYPE_MESSAGE type_name: ".everfold.toys.v1.ToySold.CountsEntry" label: LABEL_REPEATED }
    field { name: "wrapped" number: 7 type: TYPE_BOOL label: LABEL_OPTIONAL oneof_index: 0 }
    field { name: "card" number: 8 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 }
    oneof_decl { name: "given" }
    oneof_decl { name: "_buyer" }
    enum_type { name: "How" value { name: "UNSPECIFIED" number: 0 } value { name: "CASH" number: 1 } value { name: "CARD" number: 2 } }
    nested_type {
      name: "CountsEntry"
      field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
      field { name: "value" number: 2 type: TYPE_INT64 label: LABEL_OPTIONAL }
      options { map_entry: true }
    }
  })");

Published described(const FileDescriptorProto& proto) {
  google::protobuf::DescriptorPool pool;
  const auto* file = pool.BuildFile(proto);
  check(file != nullptr, "a test's schema is none");
  Published published;
  add_types(published, *file);
  return published;
}

// What is found when ToySold has become another.
std::vector<std::string> after(const std::function<void(DescriptorProto&)>& change) {
  FileDescriptorProto changed = sold;
  change(*changed.mutable_message_type(1));
  return breaches(described(sold), described(changed));
}
std::vector<std::string> after_field(int number, const std::function<void(FieldDescriptorProto&)>& change) {
  return after([&](DescriptorProto& toy) { change(*toy.mutable_field(number - 1)); });
}

FieldDescriptorProto field(const std::string& text) { return everfold::testing::make<FieldDescriptorProto>(text); }

TEST(Published, WhatStaysAndWhatIsAddedIsKept) {
  EXPECT_THAT(after([](DescriptorProto&) {}), IsEmpty());
  EXPECT_THAT(after([](DescriptorProto& toy) {
                *toy.add_field() =
                    field("name: 'ribbon' number: 10 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0");
                *toy.add_field() = field("name: 'shop' number: 9 type: TYPE_STRING label: LABEL_OPTIONAL");
                auto& cheque = *toy.mutable_enum_type(0)->add_value();
                cheque.set_name("CHEQUE");
                cheque.set_number(3);
                toy.add_nested_type()->set_name("Shelf");
              }),
              IsEmpty());
}

TEST(Published, AFieldThatIsGoneIsNamedWithFileMessageAndRemedy) {
  EXPECT_THAT(
      after([](DescriptorProto& toy) { toy.mutable_field()->DeleteSubrange(0, 1); }),
      ElementsAre(AllOf(
          HasSubstr("toys/v1/events.proto: message everfold.toys.v1.ToySold: field 1 was \"string name\" and is gone."),
          HasSubstr("put it back, or make the message's next version"))));
}

TEST(Published, EveryOtherChangeOfAFieldIsFound) {
  EXPECT_THAT(after_field(1, [](auto& name) { name.set_type(FieldDescriptorProto::TYPE_BYTES); }),
              ElementsAre(HasSubstr("is \"bytes name\" now")));
  EXPECT_THAT(after_field(1, [](auto& name) { name.set_name("title"); }),
              ElementsAre(HasSubstr("is \"string title\" now")));
  EXPECT_THAT(after_field(1, [](auto& name) { name.set_number(9); }),
              ElementsAre(HasSubstr("and is gone; name has the number 9")));
  EXPECT_THAT(after([](DescriptorProto& toy) {
                toy.mutable_oneof_decl()->RemoveLast();
                toy.mutable_field(1)->clear_oneof_index();
                toy.mutable_field(1)->clear_proto3_optional();
              }),
              ElementsAre(HasSubstr("was \"optional string buyer\" and is \"string buyer\"")));
  EXPECT_THAT(after_field(3, [](auto& parts) { parts.set_label(FieldDescriptorProto::LABEL_OPTIONAL); }),
              ElementsAre(HasSubstr("was \"repeated string parts\"")));
  EXPECT_THAT(after_field(4, [](auto& price) { price.set_type_name(".everfold.toys.v1.ToySold"); }),
              ElementsAre(HasSubstr("is \"everfold.toys.v1.ToySold price\" now")));
  EXPECT_THAT(after([](DescriptorProto& toy) {
                toy.mutable_nested_type(0)->mutable_field(1)->set_type(FieldDescriptorProto::TYPE_INT32);
              }),
              ElementsAre(HasSubstr("was \"map<string, int64> counts\" and is \"map<string, int32> counts\"")));
  EXPECT_THAT(after_field(7, [](auto& wrapped) { wrapped.clear_oneof_index(); }),
              ElementsAre(HasSubstr("was \"oneof given: bool wrapped\" and is \"bool wrapped\" now")));
}

TEST(Published, ANumberThatIsUsedForSomethingElseIsFound) {
  EXPECT_THAT(
      after([](DescriptorProto& toy) {
        toy.mutable_field(0)->set_number(3);
        toy.mutable_field(2)->set_number(1);
      }),
      ElementsAre(
          HasSubstr("field 1 was \"string name\" and is \"repeated string parts\" now; name has the number 3"),
          HasSubstr("field 3 was \"repeated string parts\" and is \"string name\" now; parts has the number 1")));
}

TEST(Published, ValuesAndMessagesStay) {
  EXPECT_THAT(after([](DescriptorProto& toy) { toy.mutable_enum_type(0)->mutable_value()->RemoveLast(); }),
              ElementsAre(HasSubstr("enum everfold.toys.v1.ToySold.How: value 2 was \"CARD\" and is gone")));
  EXPECT_THAT(after([](DescriptorProto& toy) { toy.mutable_enum_type(0)->mutable_value(2)->set_number(3); }),
              ElementsAre(HasSubstr("CARD has the number 3")));
  FileDescriptorProto without = sold;
  without.mutable_message_type()->RemoveLast();
  EXPECT_THAT(
      breaches(described(sold), described(without)),
      ElementsAre(HasSubstr("toys/v1/events.proto: enum everfold.toys.v1.ToySold.How was published and is gone."),
                  HasSubstr("toys/v1/events.proto: message everfold.toys.v1.ToySold was published and is gone.")));
}

TEST(Published, WhatDoesNotOutliveItsCodeMayChange) {
  for (const char* name : {"toys/v1/views.proto", "toys/v1/snapshot.proto"}) {
    FileDescriptorProto free = sold;
    free.set_name(name);
    EXPECT_EQ(described(free), Published()) << name;
  }
}

TEST(Published, AnEventTypeMustBeReadForEver) {
  Published published, today;
  published.events["toys"] = {"everfold.toys.ToySold.v1", "everfold.toys.ToyBroken.v1"};
  today.events["toys"] = {"everfold.toys.ToySold.v1", "everfold.toys.ToySold.v2"};
  EXPECT_THAT(breaches(published, today),
              ElementsAre(AllOf(HasSubstr("toys/events.hpp: event type everfold.toys.ToyBroken.v1"),
                                HasSubstr("list an upcaster"))));
  EXPECT_THAT(breaches(published, {}), ::testing::SizeIs(2)) << "the context is gone";
}

TEST(Published, TheTextIsReadAsItIsWritten) {
  Published published = described(sold);
  published.events["toys"] = {"everfold.toys.ToySold.v1", "everfold.toys.ToySold.v2"};
  EXPECT_EQ(parse_published(to_text(published)), published) << to_text(published);
  for (const std::string odd :
       {"  message everfold.X\n   1 string name\n", "x.proto\n  message everfold.X\n    one string name\n",
        "x.proto\n  massage everfold.X\n", "x.proto\n    1 string name\n"})
    EXPECT_THROW(parse_published(odd), std::runtime_error) << odd;
}

}  // namespace
}  // namespace everfold::schemas
