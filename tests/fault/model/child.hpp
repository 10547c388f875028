#pragma once
#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace walferry::test::model {

struct Ended {
    int exit_code = -1;  // -1: by a signal
    int signal = 0;
    std::string said;  // both streams
};

/// A process that runs beside the walk; what it says goes to a file.
class Child {
  public:
    Child(const std::string& log, std::vector<std::string> argv);
    /// Without exec: ends with what the function returns.
    Child(const std::string& log, const std::function<int()>& body);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    void kill_after(unsigned microseconds) const;
    /// Waits; one that has not ended after two minutes is killed, and that is a failure of the walk.
    Ended finish();

  private:
    std::string log_;
    pid_t pid_ = -1;
};

}  // namespace walferry::test::model
