/* SPDX-License-Identifier: Apache-2.0 */
#include "store/origin.h"

#include "base/json.h"

#include <string.h>

int origin_check(struct store *s, const char *model_hash, bool may_be_empty, struct error *e)
{
    json_t *attributes = NULL, *said = NULL, *names = NULL;
    int r = store_attributes(s, &attributes, e);
    if (r == 0)
        said = store_provenance(attributes);
    if (r == 0 && !said && may_be_empty)
        r = store_arrays(s, &names, e);
    const char *hash = json_member_string(said, "model_hash");
    bool is_empty = names && json_array_size(names) == 0;
    if (r == 0 && !is_empty && (!hash || !model_hash || strcmp(hash, model_hash) != 0))
        r = error_set(e, STORE_CONFLICT, NULL,
                      "what stands at %.500s is not the job's store: it was made by another",
                      store_path(s));
    json_decref(names);
    json_decref(said);
    json_decref(attributes);
    return r;
}
