/* SPDX-License-Identifier: Apache-2.0 */
/* The file of `simlab-worker run --graph`: DOT as it is, or a picture that Graphviz's `dot` draws
 * from it, as the file's ending says (.svg, .png, …). */
#ifndef WORKER_RUN_GRAPH_H
#define WORKER_RUN_GRAPH_H

/* Where the graph's text is to be written: the path itself (its ending is .dot or .gv, or it has
 * none), or one beside it. The caller frees it. */
char *run_graph_text(const char *path);

/* Draws what the path asks for, if the text is there, which is removed then. What goes wrong is
 * logged, and leaves the text. */
void run_graph_draw(const char *path, const char *text);

#endif
