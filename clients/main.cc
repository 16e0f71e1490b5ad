#include <string>
#include <vector>

#include "clients/commands.h"

int main(int argc, char** argv) { return emulsion::client::dispatch({argv + 1, argv + argc}); }
