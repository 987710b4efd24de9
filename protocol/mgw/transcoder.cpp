#include "protocol/mgw/transcoder.hpp"

#include <algorithm>
#include <utility>

#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver_util.h>

#include "protocol/utf8.hpp"

namespace shoal::mgw {
namespace {

namespace pb = google::protobuf;

constexpr std::size_t max_schema = 8 * 1024 * 1024;
constexpr std::size_t max_problems = 20;
constexpr std::string_view type_prefix = "type.googleapis.com";

/// Files of the schema while they are read.
class text_tree : public pb::compiler::SourceTree {
public:
  explicit text_tree(const std::map<std::string, std::string>& texts) : texts_{texts} {}

  pb::io::ZeroCopyInputStream* Open(const std::string& name) override {
    auto found = texts_.find(name);
    if (found == texts_.end())
      return nullptr;
    return new pb::io::ArrayInputStream{
        found->second.data(), static_cast<int>(found->second.size())};
  }

private:
  const std::map<std::string, std::string>& texts_;
};

class problem_list : public pb::compiler::MultiFileErrorCollector,
                     public pb::DescriptorPool::ErrorCollector {
public:
  void AddError(const std::string& file, int line, int column, const std::string& what) override {
    add(file + ":" + std::to_string(line + 1) + ":" + std::to_string(column + 1) + ": " + what);
  }
  void AddError(const std::string& file, const std::string& element, const pb::Message*,
      ErrorLocation, const std::string& what) override {
    add(file + ": " + element + ": " + what);
  }

  void add(std::string x) {
    if (found.size() < max_problems)
      found.push_back(std::move(x));
  }

  std::vector<std::string> found;
};

/// Appends to a string and refuses to grow it above a bound.
class bounded_output : public pb::io::ZeroCopyOutputStream {
public:
  bounded_output(std::string& out, std::size_t most) : out_{out}, most_{most} {}

  bool Next(void** data, int* size) override {
    if (out_.size() >= most_) {
      full_ = true;
      return false;
    }
    auto begin = out_.size();
    out_.resize(std::min(most_, std::max<std::size_t>(256, begin * 2)));
    *data = out_.data() + begin;
    *size = static_cast<int>(out_.size() - begin);
    return true;
  }
  void BackUp(int count) override { out_.resize(out_.size() - static_cast<std::size_t>(count)); }
  std::int64_t ByteCount() const override { return static_cast<std::int64_t>(out_.size()); }
  bool full() const { return full_; }

private:
  std::string& out_;
  std::size_t most_;
  bool full_ = false;
};

/// The library would write to stderr what is wrong with bytes that we refuse.
using quiet = pb::LogSilencer;

transcoded refuse(std::string why) { return {false, {}, std::move(why)}; }

} // namespace

struct message_schema::parts {
  pb::SimpleDescriptorDatabase uploaded;
  pb::DescriptorPoolDatabase common{*pb::DescriptorPool::generated_pool()};
  std::unique_ptr<pb::MergedDescriptorDatabase> all;
  problem_list problems;
  std::unique_ptr<pb::DescriptorPool> pool;
  std::unique_ptr<pb::util::TypeResolver> resolver;
  mutable pb::DynamicMessageFactory factory;                          // locks inside
  std::map<std::string, const pb::Descriptor*, std::less<>> messages; // those of the upload
  std::map<std::string, method, std::less<>> methods;

  void add_type(const pb::Descriptor* x) {
    messages.emplace(x->full_name(), x);
    for (auto i = 0; i < x->nested_type_count(); ++i)
      if (!x->nested_type(i)->options().map_entry())
        add_type(x->nested_type(i));
  }

  void add_file(const pb::FileDescriptor* file) {
    for (auto i = 0; i < file->message_type_count(); ++i)
      add_type(file->message_type(i));
    for (auto i = 0; i < file->service_count(); ++i) {
      auto* service = file->service(i);
      for (auto j = 0; j < service->method_count(); ++j) {
        auto* x = service->method(j);
        methods.emplace(service->full_name() + "/" + x->name(),
            method{x->input_type()->full_name(), x->output_type()->full_name(),
                !x->client_streaming() && !x->server_streaming()});
      }
    }
  }

  /// Reads every file, so that nothing is looked for later.
  bool load() {
    auto names = std::vector<std::string>{};
    uploaded.FindAllFileNames(&names);
    all = std::make_unique<pb::MergedDescriptorDatabase>(&uploaded, &common);
    pool = std::make_unique<pb::DescriptorPool>(all.get(), &problems);
    for (auto& name : names) {
      if (auto* file = pool->FindFileByName(name))
        add_file(file);
      else if (problems.found.empty())
        problems.add(name + ": cannot be used");
    }
    resolver.reset(
        pb::util::NewTypeResolverForDescriptorPool(std::string{type_prefix}, pool.get()));
    return problems.found.empty();
  }

  const pb::Descriptor* find(std::string_view name) const {
    auto found = messages.find(name);
    if (found != messages.end())
      return found->second;
    return name.starts_with("google.protobuf.") ? pool->FindMessageTypeByName(std::string{name})
                                                : nullptr;
  }

  /// The converter below reads over what is cut off or no UTF-8; this does not.
  bool is_whole(std::string_view message, std::string_view bytes) const {
    auto x = std::unique_ptr<pb::Message>{factory.GetPrototype(find(message))->New()};
    return x->ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()));
  }

  static std::string url_of(std::string_view name) {
    return std::string{type_prefix}.append("/").append(name);
  }
};

message_schema::message_schema(std::unique_ptr<parts> x) : parts_{std::move(x)} {}
message_schema::~message_schema() = default;

message_schema::made message_schema::from_descriptors(std::string_view bytes) {
  auto silence = quiet{};
  auto set = pb::FileDescriptorSet{};
  if (bytes.size() > max_schema)
    return problems{"the descriptor set is too large"};
  if (!set.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || set.file_size() == 0)
    return problems{"this is not a set of file descriptors"};
  auto x = std::make_unique<parts>();
  for (auto& file : set.file()) {
    // Ours are the same for everybody; a set made with --include_imports brings them along.
    auto known = pb::FileDescriptorProto{};
    if (file.name().starts_with("google/protobuf/") &&
        x->common.FindFileByName(file.name(), &known))
      continue;
    if (!x->uploaded.Add(file))
      x->problems.add(file.name() + ": defined twice");
  }
  if (!x->problems.found.empty() || !x->load())
    return std::move(x->problems.found);
  return std::shared_ptr<const message_schema>{new message_schema{std::move(x)}};
}

message_schema::made message_schema::from_files(const std::map<std::string, std::string>& texts) {
  auto silence = quiet{};
  auto x = std::make_unique<parts>();
  auto size = std::size_t{0};
  for (auto& [name, text] : texts)
    size += name.size() + text.size();
  if (size > max_schema)
    return problems{"the files are too large"};
  if (texts.empty())
    return problems{"there is no file"};
  auto tree = text_tree{texts};
  auto read = pb::compiler::SourceTreeDescriptorDatabase{&tree};
  read.RecordErrorsTo(&x->problems);
  for (auto& [name, text] : texts) {
    auto file = pb::FileDescriptorProto{};
    if (!read.FindFileByName(name, &file))
      continue; // its problems are recorded
    if (!x->uploaded.Add(file))
      x->problems.add(name + ": defines what another file defines");
  }
  if (!x->problems.found.empty() || !x->load())
    return std::move(x->problems.found);
  return std::shared_ptr<const message_schema>{new message_schema{std::move(x)}};
}

std::vector<std::string> message_schema::messages() const {
  auto out = std::vector<std::string>{};
  for (auto& [name, descriptor] : parts_->messages)
    out.push_back(name);
  return out;
}

bool message_schema::has(std::string_view message) const {
  return parts_->find(message) != nullptr;
}

std::optional<message_schema::method> message_schema::find_method(std::string_view path) const {
  auto found = parts_->methods.find(path);
  if (found == parts_->methods.end())
    return {};
  return found->second;
}

transcoded message_schema::to_protobuf(
    std::string_view message, std::string_view json, const transcode_options& options) const {
  if (!has(message))
    return refuse("there is no message type " + std::string{message});
  if (json.size() > options.max_in)
    return refuse("the JSON is too large");
  if (!is_json(json, options.max_depth))
    return refuse("this is not JSON, or it is nested too deep");
  auto silence = quiet{};
  auto how = pb::util::JsonParseOptions{};
  how.ignore_unknown_fields = options.ignore_unknown;
  auto in = pb::io::ArrayInputStream{json.data(), static_cast<int>(json.size())};
  auto result = transcoded{};
  auto out = bounded_output{result.bytes, options.max_out};
  auto status =
      pb::util::JsonToBinaryStream(parts_->resolver.get(), parts::url_of(message), &in, &out, how);
  if (out.full())
    return refuse("the message is too large");
  if (!status.ok())
    return refuse(std::string{status.message()});
  result.good = true;
  return result;
}

transcoded message_schema::to_json(
    std::string_view message, std::string_view protobuf, const transcode_options& options) const {
  if (!has(message))
    return refuse("there is no message type " + std::string{message});
  if (protobuf.size() > options.max_in)
    return refuse("the message is too large");
  auto silence = quiet{};
  if (!parts_->is_whole(message, protobuf))
    return refuse("these bytes are no " + std::string{message});
  auto how = pb::util::JsonPrintOptions{};
  how.always_print_primitive_fields = options.with_defaults;
  how.preserve_proto_field_names = options.original_names;
  auto in = pb::io::ArrayInputStream{protobuf.data(), static_cast<int>(protobuf.size())};
  auto result = transcoded{};
  auto out = bounded_output{result.bytes, options.max_out};
  auto status =
      pb::util::BinaryToJsonStream(parts_->resolver.get(), parts::url_of(message), &in, &out, how);
  if (out.full())
    return refuse("the JSON is too large");
  if (!status.ok())
    return refuse(std::string{status.message()});
  if (!valid_utf8(result.bytes))
    return refuse("a text in the message is not UTF-8");
  result.good = true;
  return result;
}

} // namespace shoal::mgw
