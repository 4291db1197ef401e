/* Makes a plain file look like a V4L2 output device (v4l2loopback), for tests without one.
 *
 * Loaded with LD_PRELOAD. Files whose path holds FAKE_V4L2 answer the ioctls that a writer uses;
 * what is written to them is kept, so that a test can read the pictures. FAKE_V4L2_CAPS and
 * FAKE_V4L2_BUSY change the answers. Writes append, as every open begins at the end.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_fake(int fd) {
    char link[64], path[4096];
    const char *mark = getenv("FAKE_V4L2");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (!mark || n < 0) return 0;
    path[n] = 0;
    return strstr(path, mark) != NULL;
}

int ioctl(int fd, unsigned long request, ...) {
    static int (*real)(int, unsigned long, ...);
    va_list list;
    va_start(list, request);
    void *arg = va_arg(list, void *);
    va_end(list);
    if (!real) real = dlsym(RTLD_NEXT, "ioctl");
    if (!is_fake(fd)) return real(fd, request, arg);
    const char *caps = getenv("FAKE_V4L2_CAPS");
    switch ((unsigned int)request) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *cap = arg;
        memset(cap, 0, sizeof *cap);
        strcpy((char *)cap->driver, "v4l2 loopback");
        strcpy((char *)cap->card, "Masquerade");
        cap->device_caps = caps ? strtoul(caps, NULL, 0) : V4L2_CAP_VIDEO_OUTPUT;
        cap->capabilities = cap->device_caps | V4L2_CAP_DEVICE_CAPS;
        return 0;
    }
    case VIDIOC_G_FMT: {
        struct v4l2_format *format = arg;
        if (format->type != V4L2_BUF_TYPE_VIDEO_OUTPUT) break;
        memset(&format->fmt, 0, sizeof format->fmt);
        return 0;
    }
    case VIDIOC_S_FMT: {
        struct v4l2_format *format = arg;
        if (getenv("FAKE_V4L2_BUSY")) {
            errno = EBUSY;
            return -1;
        }
        if (format->fmt.pix.pixelformat != V4L2_PIX_FMT_YUV420) break;
        fprintf(stderr, "format %ux%u %u\n", format->fmt.pix.width, format->fmt.pix.height,
                format->fmt.pix.sizeimage);
        return 0;
    }
    }
    errno = EINVAL;
    return -1;
}
