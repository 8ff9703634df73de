// Preloaded into a program: every fsync and fdatasync takes $SLOW_SYNC_US microseconds longer, as on an office disk.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void pause_first(void) {
  const char *text = getenv("SLOW_SYNC_US");
  long microseconds = text == NULL ? 2000 : atol(text);
  struct timespec pause = {microseconds / 1000000, microseconds % 1000000 * 1000};
  nanosleep(&pause, NULL);
}

int fsync(int fd) {
  pause_first();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

int fdatasync(int fd) {
  pause_first();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
