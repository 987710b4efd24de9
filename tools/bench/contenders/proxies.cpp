#include "tools/bench/contenders/proxies.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tools/bench/contenders/contender.hpp"

namespace shoal::bench {

namespace {

namespace fs = std::filesystem;

constexpr auto cipher = "TLS_AES_128_GCM_SHA256";
constexpr auto for_ever = "1000000000";

std::string answer_of_1k() {
  auto text = std::string{R"({"id":7,"text":")"};
  text.append(1024 - text.size() - 2, 'x');
  return text + "\"}";
}

std::string answers() {
  return "default_type application/json;\n"
         "location = /small { return 200 '{\"id\":7,\"name\":\"a small "
         "answer\",\"items\":[1,2,3]}'; }\n"
         "location = /1k { return 200 '" +
         answer_of_1k() + "'; }\n";
}

std::string tls_of(const certificate_files& x) {
  return "ssl_certificate " + x.certificate + ";\nssl_certificate_key " + x.key +
         ";\nssl_protocols TLSv1.3;\nssl_conf_command Ciphersuites " + cipher +
         ";\nhttp2_max_requests " + for_ever + ";\n";
}

http_server start(const std::string& parent, const std::string& name, unsigned workers,
    const std::string& listen_suffix, const std::string& global, const std::string& inside) {
  auto folder = parent + "/" + name;
  fs::create_directories(folder);
  auto out = http_server{};
  out.port = free_port();
  auto file = folder + "/nginx.conf";
  auto conf = std::ofstream{file};
  conf << "daemon off;\nuser root;\nworker_processes " << workers << ";\npid " << folder
       << "/pid;\nerror_log " << folder << "/error.log;\nworker_rlimit_nofile 20000;\n"
       << "events { worker_connections 8000; }\nhttp {\naccess_log off;\nkeepalive_requests "
       << for_ever << ";\nkeepalive_timeout 600;\n";
  for (auto* what : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
    conf << what << "_temp_path " << folder << '/' << what << ";\n";
  conf << global << "server {\nlisten 127.0.0.1:" << out.port << listen_suffix << ";\n"
       << inside << "}\n}\n";
  conf.close();
  out.process = start_server(
      {"nginx", "-e", folder + "/error.log", "-c", file, "-p", folder}, folder, out.port);
  return out;
}

std::string text_of(const std::string& file) {
  auto in = std::ifstream{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace

http_server start_backend(const std::string& folder) {
  return start(folder, "backend", 1, "", "", answers());
}

http_server start_bare_tls(const std::string& folder, const certificate_files& certificate) {
  return start(folder, "floor", 2, " ssl http2", tls_of(certificate), answers());
}

http_server start_nginx(
    const std::string& folder, const certificate_files& certificate, std::uint16_t backend) {
  auto upstream = "upstream backend { server 127.0.0.1:" + std::to_string(backend) +
                  "; keepalive 128; keepalive_requests " + for_ever + "; }\n";
  return start(folder, "nginx", 2, " ssl http2", tls_of(certificate) + upstream,
      "location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection "
      "\"\"; }\n");
}

http_server start_haproxy(
    const std::string& parent, const certificate_files& certificate, std::uint16_t backend) {
  auto folder = parent + "/haproxy";
  fs::create_directories(folder);
  std::ofstream{folder + "/both.pem"} << text_of(certificate.certificate)
                                      << text_of(certificate.key);
  auto out = http_server{};
  out.port = free_port();
  auto file = folder + "/haproxy.cfg";
  std::ofstream{file} << "global\n nbthread 2\n maxconn 8000\n ssl-default-bind-ciphersuites "
                      << cipher
                      << "\ndefaults\n mode http\n timeout client 600s\n timeout server 60s\n"
                         " timeout connect 5s\n timeout http-keep-alive 600s\n http-reuse always\n"
                         "frontend front\n bind 127.0.0.1:"
                      << out.port << " ssl crt " << folder
                      << "/both.pem alpn h2,http/1.1\n default_backend back\nbackend back\n"
                         " server one 127.0.0.1:"
                      << backend << '\n';
  out.process = start_server({"haproxy", "-f", file}, folder, out.port);
  return out;
}

} // namespace shoal::bench
