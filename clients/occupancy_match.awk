# How well clusters match the recorded occupancy.
#   first file   the sensor data with its header; the last column is 1 where somebody was in the room
#   second file  `emulsion watch --what labels --format csv`; the fifth column is the cluster
# Prints how often each cluster met people, how often the cluster's majority is right, and the adjusted Rand index
# (Hubert & Arabie 1985).

function pairs(n) { return n * (n - 1) / 2 }

FNR == 1 { next }
NR == FNR { occupied[FNR] = $NF; next }
{
  n++
  met[$5] += occupied[FNR]
  size[$5]++
  people += occupied[FNR]
}
END {
  printf "cluster  minutes  with people\n"
  count = 0
  for (cluster in size) order[++count] = cluster + 0
  for (i = 1; i <= count; i++)
    for (j = i + 1; j <= count; j++)
      if (order[j] < order[i]) { swap = order[i]; order[i] = order[j]; order[j] = swap }
  for (i = 1; i <= count; i++) {
    cluster = order[i]
    without = size[cluster] - met[cluster]
    printf "%7d  %7d  %10.1f%%\n", cluster, size[cluster], 100 * met[cluster] / size[cluster]
    right += met[cluster] > without ? met[cluster] : without
    together += pairs(met[cluster]) + pairs(without)
    clusters += pairs(size[cluster])
  }
  states = pairs(people) + pairs(n - people)
  expected = clusters * states / pairs(n)
  printf "\n%.1f%% of the minutes are in a cluster whose majority says rightly whether somebody was there\n", 100 * right / n
  printf "(always saying \"nobody\" is right in %.1f%%); adjusted Rand index %.2f\n", 100 * (people > n - people ? people : n - people) / n, \
    (together - expected) / ((clusters + states) / 2 - expected)
}
