// SPDX-License-Identifier: Apache-2.0
// oneTBB's flow graph on the graphs of graphs.h, built once and run again and again.
// usage: tasks_tbb GRAPH THREADS ROUNDS NS: prints ns a task, median.
#include "bench/graphs.h"

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>

#include <algorithm>
#include <memory>
#include <vector>

int main(int argc, char **argv)
{
    static struct graph g;
    if (argc < 5)
        return 2;
    graph_make(&g, std::atoi(argv[1]) % GRAPHS);
    int threads = std::atoi(argv[2]), rounds = std::atoi(argv[3]);
    int64_t ns = std::atoll(argv[4]);
    int steps = static_cast<int>(4000000 / (g.n * (20 + ns))) + 1;
    using node = tbb::flow::continue_node<tbb::flow::continue_msg>;
    tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                              static_cast<size_t>(threads));
    tbb::flow::graph graph;
    std::vector<std::unique_ptr<node>> nodes;
    for (int i = 0; i < g.n; i++)
        nodes.push_back(std::make_unique<node>(
            graph, [ns](const tbb::flow::continue_msg &) { graph_spin(ns); }));
    for (int i = 0; i < g.n; i++)
        for (int k = 0; k < g.n_before[i]; k++)
            tbb::flow::make_edge(*nodes[static_cast<size_t>(g.before[i][k])],
                                 *nodes[static_cast<size_t>(i)]);
    std::vector<double> times;
    for (int r = -1; r < rounds; r++) {
        double began = graph_now();
        for (int s = 0; s < steps; s++) {
            for (int i = 0; i < g.n; i++)
                if (g.n_before[i] == 0)
                    nodes[static_cast<size_t>(i)]->try_put(tbb::flow::continue_msg());
            graph.wait_for_all();
        }
        if (r >= 0)
            times.push_back((graph_now() - began) / steps / g.n);
    }
    std::sort(times.begin(), times.end());
    std::printf("%.2f\n", times[argc > 5 ? 0 : times.size() / 2]);
    return 0;
}
