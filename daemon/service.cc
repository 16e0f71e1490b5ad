#include "daemon/service.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "daemon/file_replay.h"
#include "daemon/file_state_store.h"
#include "daemon/http_server.h"
#include "daemon/log.h"
#include "daemon/pipeline.h"
#include "daemon/service_notifier.h"
#include "daemon/signals.h"
#include "daemon/status_pages.h"
#include "daemon/stream_registry.h"
#include "daemon/zmq_transport.h"

namespace emulsion::service {
namespace {

constexpr std::chrono::milliseconds kLongestWait(50);

// A session in order and questions beside it fit into the queue of its connection; what ignores its credit waits outside.
constexpr int kQueuesPerCredit = 2;

struct Failure {
  int exit_code;
  std::string message;
};

std::uint64_t random_session() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// The parts of a running daemon, in the order in which they start.
class Service {
 public:
  // Errors: what could not be opened, with the exit code for it.
  static tl::expected<std::unique_ptr<Service>, Failure> start(const DaemonOptions& options, Disk& disk) {
    auto signals = Signals::create();
    if (!signals) return tl::unexpected(Failure{kExitUnavailable, signals.error().message});
    auto service = std::unique_ptr<Service>(new Service(options, std::move(*signals)));
    if (auto failure = service->open_state(disk)) return tl::unexpected(std::move(*failure));
    if (auto failure = service->open_transports()) return tl::unexpected(std::move(*failure));
    return service;
  }

  int run(const std::function<LoadedOptions()>& reload) {
    pipeline_->set_ready(true, {});
    notify(notifier_.ready());
    log::info("ready: {} streams, labels and models at {}, control at {}{}", streams_->all().size(), sink_->endpoint(), control_->endpoint(),
              http_ ? ", metrics at http port " + std::to_string(http_->port()) : std::string());
    bool more = true;
    while (!is_finished()) {
      hub_.wait(more ? std::chrono::milliseconds(0) : longest_wait());
      while (const auto signal = signals_.next()) {
        if (*signal == Signal::hangup) {
          apply(reload());
        } else {
          log::info("{}: ending", *signal == Signal::terminate ? "SIGTERM" : "SIGINT");
          ending_ = true;
        }
      }
      more = pipeline_->step();
      notify(notifier_.tick());
    }
    notify(notifier_.stopping());
    const bool saved = pipeline_->drain();
    log::info("ended");
    return saved ? kExitOk : kExitCannotSave;
  }

 private:
  Service(const DaemonOptions& options, Signals signals)
      : options_(options),
        signals_(std::move(signals)),
        hub_({options.queue_messages, options.queue_bytes, options.max_message_bytes, kQueuesPerCredit * options.credit_messages,
              std::chrono::milliseconds(1000)}) {
    hub_.add_descriptor(signals_.fd());
  }

  // Until something is due that no message brings about.
  std::chrono::milliseconds longest_wait() const {
    const auto due = pipeline_->due();
    if (!due) return kLongestWait;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - std::chrono::steady_clock::now());
    return std::clamp(left, std::chrono::milliseconds(0), kLongestWait);
  }

  std::optional<Failure> open_state(Disk& disk) {
    if (!options_.state_directory.empty()) {
      auto store = FileStateStore::open(disk, options_.state_directory, static_cast<std::size_t>(options_.state_generations));
      if (!store) return Failure{kExitUnavailable, store.error().message};
      store_ = std::move(*store);
    }
    streams_.emplace(options_, store_.get());
    if (const auto opened = streams_->open(); !opened) return Failure{kExitBadData, opened.error().message};
    return std::nullopt;
  }

  std::optional<Failure> open_transports() {
    const auto sink = hub_.add_sink(options_.output_endpoint);
    if (!sink) return Failure{kExitUnavailable, sink.error().message};
    sink_ = *sink;
    const auto control = hub_.add_control(options_.control_endpoint);
    if (!control) return Failure{kExitUnavailable, control.error().message};
    control_ = *control;
    std::vector<FrameSource*> sources;
    for (const InputOptions& input : options_.inputs) {
      auto source = open_input(input);
      if (!source) return Failure{input.kind == InputKind::replay ? kExitBadData : kExitUnavailable, source.error().message};
      sources.push_back(*source);
      log::info("input: {}", sources.back()->describe());
    }
    if (!options_.http_endpoint.empty()) {
      HttpServerOptions http;
      http.endpoint = options_.http_endpoint;
      auto server = HttpServer::start(http, status_pages(board_));
      if (!server) return Failure{kExitUnavailable, server.error().message};
      http_.emplace(std::move(*server));
    }
    pipeline_.emplace(Pipeline::Parts{std::move(sources), *sink_, *control_, *streams_, board_, std::chrono::steady_clock::now, random_session(),
                                      options_.learning_threads,
                                      {std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                           std::chrono::duration<double>(options_.commit_interval_seconds)),
                                       static_cast<std::uint32_t>(options_.credit_messages)}},
                      options_.save_interval_seconds);
    return std::nullopt;
  }

  Result<FrameSource*> open_input(const InputOptions& input) {
    if (input.kind != InputKind::replay) {
      only_replays_ = false;
      const auto source = hub_.add_source(input.kind, input.attachment, input.endpoint);
      if (!source) return fail(source.error().message);
      return *source;
    }
    // A file that the state has messages of goes on behind them.
    const StreamEntry* known = streams_->find(input.stream);
    const std::string mark(known == nullptr ? std::string_view() : known->stream.mark(kReplayProducer, replay_session(input.path)));
    auto replay = open_replay(input.path, input.stream, mark);
    if (!replay) return fail(replay.error().message);
    replays_.push_back(std::move(*replay));
    return replays_.back().get();
  }

  bool is_finished() const {
    const bool replayed = options_.exit_after_replay && only_replays_ && !replays_.empty() && pipeline_->sources_exhausted();
    return ending_ || pipeline_->shutdown_requested() || replayed;
  }

  // Applies what can be applied of new options, or keeps the old ones and says why.
  void apply(const LoadedOptions& next) {
    notify(notifier_.reloading());
    if (!next.faults.empty()) {
      for (const std::string& fault : next.faults) log::error("reload: {}", fault);
      log::error("reload: the configuration has faults; the old one stays in force");
    } else {
      const ReloadPlan plan = plan_reload(options_, next.options);
      options_ = apply_reload(options_, next.options);
      if (const auto configured = log::configure(options_.log); !configured) log::error("reload: {}", configured.error().message);
      pipeline_->set_save_interval(options_.save_interval_seconds);
      pipeline_->set_commit_interval(options_.commit_interval_seconds);
      streams_->reconfigure(options_);
      pipeline_->reschedule_models();
      log::info("reload: applied: {}", plan.applicable.empty() ? "nothing has changed" : join(plan.applicable));
      if (!plan.needs_restart.empty()) log::warning("reload: needs a restart: {}", join(plan.needs_restart));
    }
    notify(notifier_.ready());
  }

  static void notify(const Result<void>& notified) {
    if (!notified) log::warning("{}", notified.error().message);
  }

  DaemonOptions options_;
  Signals signals_;  // before any thread starts
  ZmqHub hub_;
  std::unique_ptr<FileStateStore> store_;
  std::optional<StreamRegistry> streams_;
  std::vector<std::unique_ptr<FrameSource>> replays_;
  bool only_replays_ = true;
  ZmqSink* sink_ = nullptr;
  ZmqControl* control_ = nullptr;
  StatusBoard board_;
  std::optional<HttpServer> http_;
  std::optional<Pipeline> pipeline_;
  ServiceNotifier notifier_;
  bool ending_ = false;
};

}  // namespace

int run_service(const LoadedOptions& loaded, const std::function<LoadedOptions()>& reload, Disk& disk) {
  if (const auto configured = log::configure(loaded.options.log); !configured) {
    log::error("{}", configured.error().message);
    return kExitConfiguration;
  }
  auto service = Service::start(loaded.options, disk);
  if (!service) {
    log::error("{}", service.error().message);
    return service.error().exit_code;
  }
  return (*service)->run(reload);
}

}  // namespace emulsion::service
