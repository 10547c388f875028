// SQLite can load extensions. The static push never does, and could not: these stand in for the calls that
// libsqlite3.a makes (the linker's --wrap), so that nothing it is told to load ever runs.
// The names are the linker's choice.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {

void* __wrap_dlopen(const char*, int) noexcept {
    return nullptr;
}
void* __wrap_dlsym(void*, const char*) noexcept {
    return nullptr;
}
int __wrap_dlclose(void*) noexcept {
    return -1;
}
char* __wrap_dlerror() noexcept {
    static char text[] = "this program loads no shared libraries";
    return text;
}
}
// NOLINTEND(bugprone-reserved-identifier)
