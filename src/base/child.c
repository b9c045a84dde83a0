/* SPDX-License-Identifier: Apache-2.0 */
#include "base/child.h"

#include <sys/wait.h>

pid_t child_ended(void)
{
    siginfo_t ended = { 0 };
    return waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) < 0 ? 0 : ended.si_pid;
}
