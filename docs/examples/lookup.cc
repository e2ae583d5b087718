// Signs clients in with a look into a database, which takes its time and must not block a reactor.
//   lookup [ADDRESS]; then connect a WebSocket to /?ann or /?bob, and say something within 60 s
#include <wsd/server.h>

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>

namespace {

// A thread that answers one question after another.
class Database {
 public:
  Database() : thread_([this] { run(); }) {}
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() {
    ask({}, {});
    thread_.join();
  }
  // Calls `answer` with whether the user exists. A question without `answer` ends the thread.
  void ask(std::string user, std::function<void(bool)> answer) {
    const std::lock_guard lock(mutex_);
    questions_.push_back({std::move(user), std::move(answer)});
    asked_.notify_one();
  }

 private:
  struct Question {
    std::string user;
    std::function<void(bool)> answer;
  };

  void run() {
    for (;;) {
      std::unique_lock lock(mutex_);
      asked_.wait(lock, [this] { return !questions_.empty(); });
      const Question question = std::move(questions_.front());
      questions_.pop_front();
      lock.unlock();
      if (!question.answer) return;
      question.answer(question.user == "ann" || question.user == "bob");
    }
  }

  std::mutex mutex_;
  std::condition_variable asked_;
  std::deque<Question> questions_;
  std::thread thread_;
};

}  // namespace

int main(int argc, char** argv) {
  wsd::Server server;
  Database database;  // destroyed first, because it holds responders of the server
  wsd::Handlers talk;
  talk.deferred_upgrade = [&](const wsd::Request& request, const wsd::UpgradeResponder& responder) {
    const std::string user(request.query());  // the view is valid only until this handler returns
    database.ask(user, [user, responder](bool exists) {
      if (responder.gone()) return;
      responder.respond(exists ? wsd::Upgrade::accept(user) : wsd::Upgrade::reject(403, "Who?"));
    });
  };
  struct Silence final : wsd::ConnectionData {
    wsd::Timer timer;
  };
  talk.open = [](wsd::Connection& client) {
    auto silence = std::make_unique<Silence>();
    silence->timer = client.start_timer(60'000, [](wsd::Connection& silent) {
      silent.close(wsd::CloseCode::kPolicyViolation, "say something");
    });
    client.set_data(std::move(silence));
  };
  // Any thread may run a task on the connection's own thread, where the connection can be asked.
  talk.message = [&](wsd::Connection& client, const wsd::Message& message) {
    client.data<Silence>()->timer.cancel();
    if (message.payload == "ping") return static_cast<void>(client.ping("example"));
    database.ask(std::string(message.payload), [client](bool exists) {
      client.post([exists](wsd::Connection& asker) {
        asker.send_text(std::string(asker.user()) + (exists ? ": known" : ": unknown"));
      });
    });
  };
  talk.pong = [](wsd::Connection& client, std::string_view payload) {
    if (payload == "example") client.send_text("pong");
  };
  server.route("/", talk);
  const std::string error = server.listen(argc > 1 ? argv[1] : "127.0.0.1:9003");
  if (!error.empty()) return std::fprintf(stderr, "%s\n", error.c_str()), 1;
  std::fprintf(stderr, "listening on %s\n", server.addresses().front().c_str());
  return server.run_until_signal();
}
