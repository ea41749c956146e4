/*
 * Lets the files of one folder behave as on a bad disk or file system, for a program that this is preloaded into.
 * SHIM_DIR: that folder. SHIM_FLAG: the behaviour lasts while this file exists; it holds the word for it:
 *   full | quota | failing | readonly   every write fails with ENOSPC, EDQUOT, EIO or EROFS
 *   nolock                             every lock fails with ENOLCK, as on NFS without its lock service
 *   nommap                             no memory is shared (ENODEV), as on some SMB and FUSE mounts
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(type, name, ...)                                          \
  static type (*real)(__VA_ARGS__);                                    \
  if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static int is_inside(int fd) {
  char link[64], path[4096];
  const char *folder = getenv("SHIM_DIR");
  if (!folder || fd < 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strncmp(path, folder, strlen(folder)) == 0;
}

/* Reads the flag anew each time: a test changes it while the program runs. */
static int is_mode(const char *mode) {
  char word[16] = {0};
  const char *flag = getenv("SHIM_FLAG");
  int fd = flag ? open(flag, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return 0;
  ssize_t length = read(fd, word, sizeof word - 1);
  close(fd);
  return length > 0 && strcmp(word, mode) == 0;
}

static int write_error(int fd) {
  if (!is_inside(fd)) return 0;
  if (is_mode("full")) return ENOSPC;
  if (is_mode("quota")) return EDQUOT;
  if (is_mode("failing")) return EIO;
  if (is_mode("readonly")) return EROFS;
  return 0;
}

#define FAIL_WRITES(fd)              \
  int error = write_error(fd);       \
  if (error) {                       \
    errno = error;                   \
    return -1;                       \
  }

ssize_t write(int fd, const void *from, size_t size) {
  REAL(ssize_t, "write", int, const void *, size_t);
  FAIL_WRITES(fd)
  return real(fd, from, size);
}

ssize_t pwrite(int fd, const void *from, size_t size, off_t at) {
  REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
  FAIL_WRITES(fd)
  return real(fd, from, size, at);
}

ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  FAIL_WRITES(fd)
  return real(fd, from, size, at);
}

static int refuses_lock(int fd, int command) {
  int is_lock = command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW;
  return is_lock && is_inside(fd) && is_mode("nolock");
}

int fcntl(int fd, int command, ...) {
  REAL(int, "fcntl", int, int, ...);
  va_list rest;
  va_start(rest, command);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  if (!refuses_lock(fd, command)) return real(fd, command, argument);
  errno = ENOLCK;
  return -1;
}

int fcntl64(int fd, int command, ...) {
  REAL(int, "fcntl64", int, int, ...);
  va_list rest;
  va_start(rest, command);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  if (!refuses_lock(fd, command)) return real(fd, command, argument);
  errno = ENOLCK;
  return -1;
}

static int refuses_map(int fd, int flags) {
  return fd >= 0 && (flags & MAP_SHARED) && is_inside(fd) && is_mode("nommap");
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
  REAL(void *, "mmap", void *, size_t, int, int, int, off_t);
  if (!refuses_map(fd, flags)) return real(at, size, protection, flags, fd, offset);
  errno = ENODEV;
  return MAP_FAILED;
}

void *mmap64(void *at, size_t size, int protection, int flags, int fd, off64_t offset) {
  REAL(void *, "mmap64", void *, size_t, int, int, int, off64_t);
  if (!refuses_map(fd, flags)) return real(at, size, protection, flags, fd, offset);
  errno = ENODEV;
  return MAP_FAILED;
}
