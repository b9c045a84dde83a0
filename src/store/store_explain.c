/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_explain.h"

#include <errno.h>
#include <string.h>

#include "store/sql.h"

int store_explain(const char *name, int code, struct err *err)
{
    switch (code) {
    case EROFS:
        return err_set(err, code,
                       "the data folder is on a disk that is read-only, perhaps since it failed "
                       "(dmesg tells): mend that, or choose another with --data");
    case EIO:
        return err_set(err, code,
                       "the disk of the data folder fails (dmesg tells how): mend it, or choose "
                       "another with --data");
    case ENOSPC:
    case EDQUOT:
        return err_set(err, code,
                       "the disk of the data folder is full: free some space, or choose another "
                       "with --data");
    case EUCLEAN:
        return err_set(err, code, "the database is damaged: " SQL_DAMAGE_HELP);
    case EACCES:
    case EPERM:
        return err_set(err, code,
                       "%.40s in the data folder may not be opened: perhaps it is root's, of a run "
                       "with sudo; give all that is in the folder to its owner (chown -R), or "
                       "choose another with --data",
                       name);
    default:
        return err_set(err, code, "%.40s in the data folder: %s", name, strerror(code));
    }
}
