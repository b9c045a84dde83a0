/* System calls by name for test/e2e/breakout_inside.js, as an addon of Node.js.
 *
 *   call(name, ...args)  what it returned, or -errno; numbers, Buffers (their memory) and null
 *   inChild(way)         the same getpid() by another architecture's door, in a child: 0 if it worked
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <node_api.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *name;
    long number;
} calls[] = {
#define CALL(name) { #name, SYS_##name }
    @CALLS@
};

static long number_of(const char *name)
{
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strcmp(calls[i].name, name) == 0) {
            return calls[i].number;
        }
    }
    return -1;
}

static long argument(napi_env env, napi_value value)
{
    bool is_buffer = false;
    void *data = NULL;
    size_t length;
    int64_t number = 0;
    if (napi_is_buffer(env, value, &is_buffer) == napi_ok && is_buffer) {
        (void)napi_get_buffer_info(env, value, &data, &length);
        return (long)data;
    }
    (void)napi_get_value_int64(env, value, &number); /* null is 0 */
    return (long)number;
}

static napi_value result(napi_env env, int64_t value)
{
    napi_value object = NULL;
    (void)napi_create_int64(env, value, &object);
    return object;
}

static napi_value call(napi_env env, napi_callback_info info)
{
    napi_value values[7];
    size_t count = 7;
    char name[64] = "";
    size_t length;
    long a[6] = { 0 };
    (void)napi_get_cb_info(env, info, &count, values, NULL, NULL);
    (void)napi_get_value_string_utf8(env, values[0], name, sizeof(name), &length);
    for (size_t i = 1; i < count; i++) {
        a[i - 1] = argument(env, values[i]);
    }
    long number = number_of(name);
    if (number < 0) {
        return result(env, -ENOSYS); /* this machine's architecture has no such call */
    }
    long r = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    int error = errno;
    if (r == 0 && (number == number_of("clone") || number == number_of("clone3"))) {
        _exit(0); /* the child of a call that was to be refused */
    }
    return result(env, r < 0 ? -error : r);
}

static long by_other_door(const char *way)
{
#ifdef __x86_64__
    long r;
    if (strcmp(way, "int80") == 0) {
        __asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "memory"); /* getpid of i386 */
        return r;
    }
    return syscall(0x40000000 | SYS_getpid); /* x32 */
#else
    (void)way;
    return -1;
#endif
}

static napi_value in_child(napi_env env, napi_callback_info info)
{
    napi_value value;
    size_t count = 1;
    char way[16] = "";
    size_t length;
    int status = 0;
    (void)napi_get_cb_info(env, info, &count, &value, NULL, NULL);
    (void)napi_get_value_string_utf8(env, value, way, sizeof(way), &length);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(by_other_door(way) == getpid() ? 0 : 1);
    }
    (void)waitpid(pid, &status, 0);
    return result(env, status);
}

NAPI_MODULE_INIT()
{
    napi_value function;
    (void)napi_create_function(env, "call", NAPI_AUTO_LENGTH, call, NULL, &function);
    (void)napi_set_named_property(env, exports, "call", function);
    (void)napi_create_function(env, "inChild", NAPI_AUTO_LENGTH, in_child, NULL, &function);
    (void)napi_set_named_property(env, exports, "inChild", function);
    return exports;
}
