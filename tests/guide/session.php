<?php
header('Content-Type: text/plain');
session_start();
if(!isset($_SESSION['visit']))
{
echo "Globo.Tech welcomes you as a first time visitor on this server\n";
$_SESSION['visit'] = 0;
}
else
echo "This server has seen you ".$_SESSION['visit'] . " times \n";
$_SESSION['visit']++;
echo "Server IP: ".$_SERVER['SERVER_ADDR'] . "\n";
echo "Client IP: ".$_SERVER['REMOTE_ADDR'] . "\n";
print_r($_COOKIE);
?>
